/** Certificates for a test: an authority, a server on 127.0.0.1 and a client, made by openssl(1). */
import fs from 'node:fs';
import path from 'node:path';
import { runOk } from '../harness/command.ts';

/** Writes `ca.pem`, and below `server`, `client` and `stranger` what docker calls ca.pem, cert.pem and key.pem. */
export async function makeCertificates(folder: string): Promise<void> {
  const openssl = (...args: string[]) => runOk('openssl', args, { cwd: folder });
  const authority = async (name: string) => {
    await openssl(
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...[
        '-keyout',
        `${name}-key.pem`,
        '-out',
        `${name}.pem`,
        '-days',
        '2',
        '-subj',
        `/CN=${name}`,
      ],
    );
  };
  const signed = async (name: string, ca: string, extension: string) => {
    const target = path.join(folder, name);
    fs.mkdirSync(target);
    fs.writeFileSync(path.join(folder, `${name}.ext`), extension);
    await openssl(
      ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-keyout', `${name}/key.pem`, '-out', `${name}.csr`, '-subj', `/CN=${name}`],
    );
    await openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', `${ca}.pem`, '-CAkey', `${ca}-key.pem`],
      ...['-CAcreateserial', '-days', '2', '-extfile', `${name}.ext`, '-out', `${name}/cert.pem`],
    );
    fs.copyFileSync(path.join(folder, 'ca.pem'), path.join(target, 'ca.pem'));
  };
  await authority('ca');
  await authority('other');
  await signed('server', 'ca', 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n');
  await signed('client', 'ca', 'extendedKeyUsage=clientAuth\n');
  await signed('stranger', 'other', 'extendedKeyUsage=clientAuth\n');
}
