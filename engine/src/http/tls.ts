/** TLS of the API: the engine's certificate, and who may call. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import type { TlsOptions } from 'node:tls';
import { messageOf, StackError } from '#spec/errors';

export interface TlsFiles {
  /** Whether clients must show a certificate that the authority has signed. */
  verify: boolean;
  caFile: string;
  certFile: string;
  keyFile: string;
}

/** Reads the files. Throws invalid_argument, in docker's words, for what cannot be used. */
export function readTls({ verify, caFile, certFile, keyFile }: TlsFiles): TlsOptions {
  const pair = `(cert: "${certFile}", key: "${keyFile}")`;
  let cert: Buffer;
  let key: Buffer;
  try {
    [cert, key] = [fs.readFileSync(certFile), fs.readFileSync(keyFile)];
  } catch (error) {
    throw invalid(`could not load X509 key pair ${pair}: ${messageOf(error)}`, error);
  }
  try {
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
      throw new StackError('invalid_argument', 'private key does not match public key');
    }
  } catch (error) {
    throw invalid(
      `error reading X509 key pair - make sure the key is not encrypted ${pair}: ${messageOf(error)}`,
      error,
    );
  }
  return {
    cert,
    key,
    minVersion: 'TLSv1.2',
    ...(verify && { ca: readAuthority(caFile), requestCert: true, rejectUnauthorized: true }),
  };
}

function readAuthority(caFile: string): Buffer {
  let ca: Buffer;
  try {
    ca = fs.readFileSync(caFile);
  } catch (error) {
    throw invalid(`could not read CA certificate "${caFile}": ${messageOf(error)}`, error);
  }
  try {
    new X509Certificate(ca);
  } catch (error) {
    throw invalid(`failed to append certificates from PEM file: "${caFile}"`, error);
  }
  return ca;
}

function invalid(reason: string, cause: unknown): StackError {
  return new StackError('invalid_argument', `invalid TLS configuration: ${reason}`, { cause });
}
