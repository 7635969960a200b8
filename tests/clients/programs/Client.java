import java.io.FileInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Key;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.Provider;
import java.security.Security;
import java.security.Signature;
import java.security.spec.AlgorithmParameterSpec;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.RSAKeyGenParameterSpec;
import javax.crypto.Cipher;
import javax.crypto.KeyGenerator;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.IvParameterSpec;

/** SunPKCS11: generates keys, signs, verifies, encrypts; leaves public keys and signatures for OpenSSL. */
public class Client {
    static final byte[] TEXT = "what is to be signed\n".getBytes(StandardCharsets.UTF_8);
    static Provider provider;

    public static void main(String[] arguments) throws Exception {
        provider = Security.getProvider("SunPKCS11").configure(arguments[0]);
        Security.addProvider(provider);
        KeyStore store = KeyStore.getInstance("PKCS11", provider);
        store.load(null, arguments[1].toCharArray());
        pair("RSA", new RSAKeyGenParameterSpec(2048, RSAKeyGenParameterSpec.F4), "SHA256withRSA", "rsa");
        pair("EC", new ECGenParameterSpec("secp256r1"), "SHA256withECDSA", "ec");
        cipher("AES/CBC/PKCS5Padding", new IvParameterSpec(new byte[16]), "cbc");
        cipher("AES/GCM/NoPadding", new GCMParameterSpec(128, new byte[12]), "gcm");
        write("digest", MessageDigest.getInstance("SHA-256", provider).digest(TEXT));
        System.out.println("done");
    }

    static void pair(String algorithm, AlgorithmParameterSpec size, String scheme, String name) throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm, provider);
        generator.initialize(size);
        KeyPair pair = generator.generateKeyPair();
        Signature signer = Signature.getInstance(scheme, provider);
        signer.initSign(pair.getPrivate());
        signer.update(TEXT);
        byte[] signature = signer.sign();
        Signature verifier = Signature.getInstance(scheme, provider);
        verifier.initVerify(pair.getPublic());
        verifier.update(TEXT);
        expect(verifier.verify(signature), scheme + " verifies");
        verifier.initVerify(pair.getPublic());
        verifier.update((byte) 0);
        expect(!verifier.verify(signature), scheme + " refuses another text");
        write(name + ".der", pair.getPublic().getEncoded());
        write(name + ".signature", signature);
    }

    static void cipher(String transformation, AlgorithmParameterSpec parameters, String name) throws Exception {
        KeyGenerator generator = KeyGenerator.getInstance("AES", provider);
        generator.init(256);
        SecretKey key = generator.generateKey();
        Cipher cipher = Cipher.getInstance(transformation, provider);
        cipher.init(Cipher.ENCRYPT_MODE, key, parameters);
        byte[] sealed = cipher.doFinal(TEXT);
        cipher.init(Cipher.DECRYPT_MODE, key, parameters);
        expect(java.util.Arrays.equals(cipher.doFinal(sealed), TEXT), transformation + " comes back");
        write(name + ".sealed", sealed);
    }

    static void write(String name, byte[] content) throws Exception {
        Files.write(Path.of(name), content);
    }

    static void expect(boolean held, String what) {
        if (!held) throw new AssertionError(what);
    }
}
