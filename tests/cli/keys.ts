/** Signing keys for tests, made anew each time. */

/** A key pair in files. */
export interface KeyFiles {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** Makes an ed25519 key as OpenSSL writes it: PKCS#8 and SPKI in PEM. */
export async function makeKey(folder: string, name: string): Promise<KeyFiles> {
  const pair = await crypto.subtle.generateKey("Ed25519", true, [
    "sign",
    "verify",
  ]) as CryptoKeyPair;
  const privateKey = `${folder}/${name}.pem`;
  const publicKey = `${folder}/${name}.pub.pem`;
  const pem = async (form: "pkcs8" | "spki", key: CryptoKey, label: string): Promise<string> => {
    const text = new Uint8Array(await crypto.subtle.exportKey(form, key)).toBase64();
    return `-----BEGIN ${label}-----\n${text.replace(/.{64}/g, "$&\n")}\n-----END ${label}-----\n`;
  };
  await Deno.writeTextFile(privateKey, await pem("pkcs8", pair.privateKey, "PRIVATE KEY"));
  await Deno.writeTextFile(publicKey, await pem("spki", pair.publicKey, "PUBLIC KEY"));
  return { privateKey, publicKey };
}
