import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import * as der from './der.ts';

/**
 * X.509 certificates (RFC 5280) signed with ECDSA over SHA-256: what a private authority and its servers need, and no more.
 * Extensions are complete enough for strict verifiers (Python 3.13's VERIFY_X509_STRICT, Go).
 */
export interface CertificateRequest {
  /** Common names. */
  subject: string;
  issuer: string;
  publicKey: KeyObject;
  signer: { privateKey: KeyObject; publicKey: KeyObject };
  notBefore: Date;
  notAfter: Date;
  /** What kind of certificate it is: see `authority`, `server` and their neighbours. */
  extensions: Buffer[];
}

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;

/** Tags of GeneralName (RFC 5280, 4.2.1.6). */
const DNS_NAME = 2;
const IP_ADDRESS = 7;

/** @returns PEM */
export function issueCertificate(request: CertificateRequest): string {
  const algorithm = der.sequence(der.oid(OID.ecdsaWithSha256));
  const body = der.sequence(
    der.tagged(0, der.integer(2)), // version 3
    der.integer(...serialNumber()),
    algorithm,
    name(request.issuer),
    der.sequence(der.time(request.notBefore), der.time(request.notAfter)),
    name(request.subject),
    spki(request.publicKey),
    der.tagged(
      3,
      der.sequence(
        ...request.extensions,
        extension(OID.subjectKeyIdentifier, false, der.octetString(keyId(request.publicKey))),
        extension(OID.authorityKeyIdentifier, false, der.sequence(der.taggedValue(0, keyId(request.signer.publicKey)))),
      ),
    ),
  );
  const signature = sign('sha256', body, request.signer.privateKey);
  return pem(der.sequence(body, algorithm, der.bitString(signature)));
}

/**
 * An authority that can speak for these names and what lies below them and for these addresses, and for nothing else: no other
 * host, no further authority. The constraint is critical, so a client that can't check it refuses the certificate.
 */
export function authority(permittedNames: readonly string[], permittedAddresses: readonly string[] = []): Buffer[] {
  const names = permittedNames.map((dns) => der.sequence(der.taggedValue(DNS_NAME, Buffer.from(dns))));
  const addresses = permittedAddresses.map((address) => {
    const bytes = addressBytes(address);
    return der.sequence(der.taggedValue(IP_ADDRESS, Buffer.concat([bytes, Buffer.alloc(bytes.length, 0xff)])));
  });
  const permitted = der.tagged(0, ...names, ...addresses);
  if (addresses.length > 0) return [...anyAuthority(), extension(OID.nameConstraints, true, der.sequence(permitted))];
  // a list of DNS names restricts DNS names alone: all addresses (0.0.0.0/0, ::/0) are excluded by name
  const excluded = [8, 32].map((length) => der.sequence(der.taggedValue(IP_ADDRESS, Buffer.alloc(length))));
  return [...anyAuthority(), extension(OID.nameConstraints, true, der.sequence(permitted, der.tagged(1, ...excluded)))];
}

/** An authority for any name, for those alone who are given it for one server. It signs no further authority. */
export function anyAuthority(): Buffer[] {
  return [
    extension(OID.basicConstraints, true, der.sequence(der.boolean(true), der.integer(0))),
    extension(OID.keyUsage, true, der.bitString(Buffer.from([0b0000_0110]), 1)), // keyCertSign, cRLSign
  ];
}

/** A TLS server of these names and addresses. */
export function server(...hosts: string[]): Buffer[] {
  return [
    ...endEntity(OID.serverAuth),
    extension(OID.subjectAltName, false, der.sequence(...hosts.map(alternativeName))),
  ];
}

/** A TLS client; who it is says its subject. */
export function client(): Buffer[] {
  return endEntity(OID.clientAuth);
}

function endEntity(usage: string): Buffer[] {
  return [
    extension(OID.basicConstraints, true, der.sequence()),
    extension(OID.keyUsage, true, der.bitString(Buffer.from([0b1000_0000]), 7)), // digitalSignature
    extension(OID.extKeyUsage, false, der.sequence(der.oid(usage))),
  ];
}

function alternativeName(host: string): Buffer {
  return isIP(host) === 0
    ? der.taggedValue(DNS_NAME, Buffer.from(host))
    : der.taggedValue(IP_ADDRESS, addressBytes(host));
}

/** Four bytes of IPv4, sixteen of IPv6 (RFC 5280, 4.2.1.6). */
function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  // URL writes every IPv6 address in its one short form
  const short = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = '', tail] = short.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const [first, last] = [groups(head), groups(tail ?? '')];
  const all = tail === undefined ? first : [...first, ...Array(8 - first.length - last.length).fill(0), ...last];
  const bytes = Buffer.alloc(16);
  for (const [i, group] of all.entries()) bytes.writeUInt16BE(group as number, i * 2);
  return bytes;
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return der.sequence(der.oid(id), ...(critical ? [der.boolean(true)] : []), der.octetString(value));
}

function name(commonName: string): Buffer {
  return der.sequence(der.set(der.sequence(der.oid(OID.commonName), der.utf8String(commonName))));
}

function spki(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' });
}

/** Any value that is the key's alone (RFC 5280, 4.2.1.2). */
function keyId(key: KeyObject): Buffer {
  return createHash('sha256').update(spki(key)).digest().subarray(0, 20);
}

/** 127 random bits; the first byte is not zero, as the shortest form demands. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] as number) & 0x3f) | 0x40;
  return bytes;
}

function pem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
