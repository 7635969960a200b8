"""A refused CCA request: what its reply says instead of a result."""

from ghostcard.firmware.abi.cca_function import Code


class Refused(Exception):
    """`code` goes into the reply's CPRBX."""

    def __init__(self, code: Code) -> None:
        super().__init__(f"{code.rtcode}/{code.rscode}")
        self.code = code
