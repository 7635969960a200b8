"""`libghostcard-capture.so`: in front of another PKCS #11 library it notes every call."""
