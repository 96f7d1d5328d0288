import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { capabilitiesOf } from '../../src/containers/sandbox/capabilities.ts';
import { runtimeConfig } from '../../src/containers/sandbox/spec.ts';
import { runOk } from '../../src/lib/run.ts';
import type { Field } from './row.ts';

/**
 * An image unpacked into one folder, for floors of rows with a RUN: overlay, `cp -a` of the context, runc with the
 * configuration that our own containers have, and a tar of what changed that is hashed. No daemon, no cache, no second look.
 */
export class BareTree {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async of(field: Field, image: string, name: string): Promise<BareTree> {
    const folder = join(field.folder, `bare-${name}`);
    await mkdir(join(folder, 'root'), { recursive: true });
    const layout = join(folder, 'image');
    await runOk('skopeo', ['copy', '-q', '--src-tls-verify=false', `docker://${image}`, `dir:${layout}`]);
    const script = `for blob in $(python3 -c 'import json,sys; print(*[l["digest"][7:] for l in json.load(open(sys.argv[1]))["layers"]])' "$1/manifest.json"); do tar -C "$2" -xzf "$1/$blob"; done`;
    await runOk('sh', ['-ec', script, 'unpack', layout, join(folder, 'root')]);
    const tree = new BareTree(folder);
    await tree.#configure(`${field.floor.path}/containers/floor`);
    return tree;
  }

  /** $1: folder to copy into the tree, or empty; $2: where to, and where the command runs; $3: the command, or empty. */
  script(run: string): string {
    const at = join(this.#folder, run);
    return `
      mkdir -p ${at}/up ${at}/work ${at}/root
      mount -t overlay overlay -o lowerdir=${this.#folder}/root,upperdir=${at}/up,workdir=${at}/work ${at}/root
      trap 'umount ${at}/root' EXIT
      mkdir -p ${at}/root$2
      if [ -n "$1" ]; then cp -a "$1/." ${at}/root$2/; fi
      if [ -n "$3" ]; then
        sed -e "s|@ROOT@|${at}/root|" -e "s|@CWD@|$2|" -e "s|@COMMAND@|$3|" ${this.#folder}/config.json > ${at}/config.json
        runc --root ${at}/state run --bundle ${at} floor-$$ < /dev/null
      fi
      tar -C ${at}/up -cf - . | sha256sum > ${at}/digest`;
  }

  /** Configuration of a container like those of our RUN lines; written once. Its time counts as the floor's. */
  async #configure(cgroup: string): Promise<void> {
    const empty = join(this.#folder, 'empty');
    await writeFile(empty, '');
    const config = runtimeConfig({
      rootfs: '@ROOT@',
      readonlyRootfs: false,
      process: {
        args: ['/bin/sh', '-c', '@COMMAND@'],
        env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root'],
        cwd: '@CWD@',
        user: { uid: 0, gid: 0, home: '/root', additionalGids: [] },
        capabilities: capabilitiesOf(),
        noNewPrivileges: false,
        rlimits: [],
        terminal: undefined,
      },
      hostname: 'floor',
      mounts: {
        mounts: [],
        nameFiles: { resolvConf: empty, hosts: empty, hostname: empty },
        shmBytes: undefined,
        sharedIpc: false,
        insecure: false,
      },
      network: { kind: 'own' },
      shared: [],
      cgroup: { path: cgroup, unified: false },
      resources: {},
      devices: [],
      sysctls: {},
      arch: process.arch,
      unconfined: false,
      insecure: false,
    });
    await writeFile(join(this.#folder, 'config.json'), JSON.stringify(config));
  }
}
