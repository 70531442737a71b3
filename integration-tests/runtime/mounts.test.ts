/** Mounts by what the container sees of them. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { describeContainers } from './fixture.ts';

describeContainers('mounts', (fixture) => {
  describe('tmpcopyup', () => {
    const mount = (destination: string, ...options: string[]) => ({
      destination,
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'tmpcopyup', ...options],
    });

    it('begins with what the image has there, and leaves the image alone', () => {
      const source = path.join(fixture().rootfs, 'data');
      fs.mkdirSync(path.join(source, 'sub'), { recursive: true });
      fs.writeFileSync(path.join(source, 'sub/file'), 'content', { mode: 0o644 });
      fs.chownSync(path.join(source, 'sub/file'), 7, 8);
      fs.symlinkSync('/etc/passwd', path.join(source, 'link'));
      fs.chmodSync(source, 0o1777);
      const { stdout, stderr } = fixture().shell(
        'cd /data; cat sub/file; echo; ls -ld . sub/file link | cut -c1-10; stat -c %u:%g sub/file; echo new > new; cat new',
        (config) => config.mounts!.push(mount('/data')),
      );
      expect(stderr).to.equal('');
      expect(stdout).to.equal('content\ndrwxrwxrwt\nlrwxrwxrwx\n-rw-r--r--\n7:8\nnew\n');
      expect(fs.readdirSync(source).sort()).to.deep.equal(['link', 'sub']);
    });

    it('takes the options of the tmpfs and an empty place', () => {
      const { stdout } = fixture().shell('grep " /empty " /proc/mounts; ls /empty', (config) =>
        config.mounts!.push(mount('/empty', 'size=64k', 'mode=700', 'noexec')),
      );
      expect(stdout).to.match(/^tmpfs \/empty tmpfs rw,nosuid,noexec,.*size=64k,mode=700/);
    });

    it('copies nothing of the host through a link of the image', () => {
      fs.symlinkSync('/../../../../etc', path.join(fixture().rootfs, 'data'));
      const { stdout } = fixture().shell('ls /etc', (config) =>
        config.mounts!.push(mount('/data')),
      );
      expect(stdout).to.equal('garbage\nnot-executable\n');
    });

    it('is refused for what is no tmpfs', () => {
      const { stderr } = fixture().shell('true', (config) =>
        config.mounts!.push({
          ...mount('/x'),
          type: 'bind',
          source: '/etc',
          options: ['bind', 'tmpcopyup'],
        }),
      );
      expect(stderr).to.contain('\\"tmpcopyup\\" is for tmpfs');
    });
  });
});
