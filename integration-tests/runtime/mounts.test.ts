/** Mounts by what the container sees of them. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { describeContainers } from './fixture.ts';

describeContainers('mounts', (fixture) => {
  describe('id-mapped mounts', () => {
    const mapped = (source: string, option: string) => ({
      destination: '/data',
      type: 'bind',
      source,
      options: ['rbind', option],
      uidMappings: [{ containerID: 0, hostID: 1000, size: 10 }],
      gidMappings: [
        { containerID: 0, hostID: 2000, size: 10 },
        { containerID: 20, hostID: 3000, size: 1 },
      ],
    });

    for (const option of ['idmap', 'ridmap']) {
      it(`${option}: show other owners and keep them on disk`, () => {
        const source = path.join(fixture().bundle.directory, 'data');
        fs.mkdirSync(source);
        fs.writeFileSync(path.join(source, 'file'), '');
        fs.chownSync(path.join(source, 'file'), 7, 20);
        const { stdout, stderr } = fixture().run(
          ['stat', '-c', '%u:%g', '/data', '/data/file'],
          ({ mounts }) => mounts!.push(mapped(source, option)),
        );
        expect(stderr).to.equal('');
        expect(stdout).to.equal('1000:2000\n1007:3000\n');
        const { uid, gid } = fs.statSync(path.join(source, 'file'));
        expect({ uid, gid }).to.deep.equal({ uid: 7, gid: 20 });
      });
    }

    it('take the mappings of the user namespace when they have none', () => {
      const source = path.join(fixture().bundle.directory, 'data');
      fs.mkdirSync(source);
      const mapping = [{ containerID: 0, hostID: 100000, size: 1000 }];
      const { stdout, stderr } = fixture().shell(
        'stat -c %u:%g /data; touch /data/new; stat -c %u /data/new',
        (config) => {
          config.linux!.namespaces!.push({ type: 'user' });
          Object.assign(config.linux!, { uidMappings: mapping, gidMappings: mapping });
          fs.chownSync(fixture().rootfs, 100000, 100000);
          config.mounts!.push({
            destination: '/data',
            type: 'bind',
            source,
            options: ['bind', 'idmap'],
          });
        },
      );
      expect(stderr).to.equal('');
      expect(stdout).to.equal('0:0\n0\n');
      expect(fs.statSync(path.join(source, 'new')).uid).to.equal(0);
    });

    it('need mappings', () => {
      const { stderr } = fixture().run(['true'], ({ mounts }) =>
        mounts!.push({
          destination: '/data',
          type: 'bind',
          source: '/tmp',
          options: ['bind', 'idmap'],
        }),
      );
      expect(stderr).to.contain('mounts[7].uidMappings: an id-mapped mount needs mappings');
    });
  });

  it('a tmpfs takes the mode of the directory below it, also when it is read-only', () => {
    const { stdout, stderr } = fixture().shell('stat -c %a /t; touch /t/x', (config) => {
      fs.mkdirSync(path.join(fixture().rootfs, 't'), { mode: 0o751 });
      config.mounts!.push({ destination: '/t', type: 'tmpfs', source: 'tmpfs', options: ['ro'] });
    });
    expect(stdout).to.equal('751\n');
    expect(stderr).to.contain('Read-only file system');
  });

  it('are listed in the order of config.json', () => {
    const { stdout } = fixture().shell(`cut -d' ' -f 5 /proc/self/mountinfo`, (config) => {
      config.mounts!.push(
        { destination: '/a', type: 'tmpfs', source: 'tmpfs' },
        { destination: '/b', type: 'bind', source: '/etc', options: ['bind', 'ro'] },
        { destination: '/c', type: 'tmpfs', source: 'tmpfs' },
      );
      config.root.readonly = false;
    });
    const wanted = ['/proc', '/a', '/b', '/c'];
    expect(stdout.split('\n').filter((place) => wanted.includes(place))).to.deep.equal(wanted);
  });

  it('the root of the host is what the host sees there, not the root of the container', () => {
    const link = path.join(fixture().bundle.directory, 'root');
    fs.symlinkSync('/', link);
    const mark = path.join(fixture().bundle.directory, 'mark');
    fs.writeFileSync(mark, 'of the host\n');
    const { stdout, stderr } = fixture().run(
      ['cat', path.join('/host', mark), path.join('/linked', mark)],
      ({ mounts }) =>
        mounts!.push(
          { destination: '/host', type: 'bind', source: '/', options: ['rbind', 'ro'] },
          { destination: '/linked', type: 'bind', source: link, options: ['rbind', 'ro'] },
        ),
    );
    expect(stderr).to.equal('');
    expect(stdout).to.equal('of the host\nof the host\n');
  });

  it('are binds by their type as well as by their options', () => {
    const source = path.join(fixture().bundle.directory, 'shown');
    fs.writeFileSync(source, 'shown\n');
    const { stdout, stderr } = fixture().run(['cat', '/shown'], ({ mounts }) =>
      mounts!.push({ destination: '/shown', type: 'bind', source, options: ['ro'] }),
    );
    expect([stdout, stderr]).to.deep.equal(['shown\n', '']);
  });

  it('recursive options reach what is mounted below, others do not', () => {
    // A tree with mounts below that every machine with containers has: the tmpfs or cgroup2 at /sys/fs/cgroup.
    const { stdout, stderr } = fixture().run(['cat', '/proc/mounts'], ({ mounts }) =>
      mounts!.push(
        { destination: '/plain', type: 'bind', source: '/sys/fs', options: ['rbind', 'ro'] },
        {
          destination: '/recursive',
          type: 'bind',
          source: '/sys/fs',
          options: ['rbind', 'rro', 'rnoexec', 'rnosuid', 'rnodev', 'rnoatime'],
        },
      ),
    );
    expect(stderr).to.equal('');
    const flagsOf = (destination: string) =>
      stdout
        .split('\n')
        .find((line) => line.split(' ')[1] === destination)
        ?.split(' ')[3]
        ?.split(',');
    expect(flagsOf('/plain')).to.include('ro');
    expect(flagsOf('/plain/cgroup')).to.include('rw');
    for (const destination of ['/recursive', '/recursive/cgroup']) {
      expect(flagsOf(destination)).to.include.members([
        'ro',
        'noexec',
        'nosuid',
        'nodev',
        'noatime',
      ]);
    }
  });

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

  it('several mounts of type cgroup show the groups of the container, each with its own options', function () {
    if (!fs.existsSync('/sys/fs/cgroup/memory')) this.skip(); // cgroup v1
    const { stdout, stderr } = fixture().shell(
      'for d in /sys/fs/cgroup /groups; do mkdir $d/memory/inside 2> /dev/null && rmdir $d/memory/inside && echo made in $d; ls $d | wc -l; done',
      (config) => {
        const { linux, mounts } = config;
        linux!.namespaces = linux!.namespaces!.filter(({ type }) => type !== 'cgroup');
        config.mounts = mounts!.filter(({ destination }) => destination !== '/sys/fs/cgroup');
        const mount = { type: 'cgroup', source: 'cgroup' };
        config.mounts.push(
          { ...mount, destination: '/sys/fs/cgroup', options: ['ro', 'nosuid'] },
          { ...mount, destination: '/groups', options: ['nosuid'] },
        );
        config.root.readonly = false;
        delete linux!.maskedPaths;
      },
    );
    const [first, second, third, ...rest] = stdout.trim().split('\n');
    expect(second, stderr).to.equal('made in /groups');
    expect(first).to.equal(third);
    expect(rest).to.deep.equal([]);
  });
});
