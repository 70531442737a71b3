import { NativeSnapshotter } from '../../src/snapshots/native-snapshotter.ts';
import { describeSnapshotter } from './snapshotter-suite.ts';

describeSnapshotter('native', { create: (root, worker) => new NativeSnapshotter(root, worker) });
