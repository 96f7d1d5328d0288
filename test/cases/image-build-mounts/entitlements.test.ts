import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { hasBusybox } from '../image-build/busybox-base.ts';
import { hasRunc } from '../image-build/needs.ts';
import { BASE, MountBench, output, statuses } from './mount-bench.ts';

describe.skipIf(!hasBusybox || !hasRunc)('what RUN may ask for', () => {
  let bench: MountBench | undefined;
  afterEach(async () => {
    await bench?.close();
    bench = undefined;
  });

  it('--security=insecure needs the word of the owner and of the build', async () => {
    const line = `${BASE}\nRUN --security=insecure true`;
    bench = await MountBench.open('entitledno');
    const place = { ranges: [{ line: 2 }] };
    await expect(bench.build(line, { allow: ['security.insecure'] })).rejects.toMatchObject({
      code: 'denied',
      message: 'RUN --security=insecure: entitlement security.insecure is not allowed on this server',
      hint: 'The owner of the server can allow it with builds.allowInsecure: true in slipway.yaml.',
      place,
    });
    await bench.close();
    bench = await MountBench.open('entitledyes', { insecure: true });
    await expect(bench.build(line)).rejects.toMatchObject({
      code: 'denied',
      message: 'RUN --security=insecure: entitlement security.insecure is not allowed in this build',
      hint: 'The build has to ask for it: --allow security.insecure',
      place,
    });
  });

  it('--security=insecure has every capability, may mount, and is another result than without', async () => {
    bench = await MountBench.open('insecuretest', { insecure: true });
    const command =
      'grep CapEff /proc/self/status; grep Seccomp: /proc/self/status; mount -t tmpfs none /mnt 2>/dev/null && echo mounted; s=$(cat /proc/sys/vm/swappiness); (echo $s > /proc/sys/vm/swappiness) 2>/dev/null && echo open; ls /dev/loop-control /dev/fuse 2>/dev/null';
    const dockerfile = (flag: string) => `${BASE}\nRUN mkdir /mnt\nRUN ${flag}${command}; true`;
    const walls = await bench.build(dockerfile(''), { allow: ['security.insecure'] });
    expect(output(walls)).toBe('CapEff:\t00000000a80425fb\nSeccomp:\t2\n');
    const result = await bench.build(dockerfile('--security=insecure '), { allow: ['security.insecure'] });
    expect(output(result)).toBe(
      `CapEff:\t${ownBounding()}\nSeccomp:\t0\nmounted\nopen\n/dev/fuse\n/dev/loop-control\n`,
    );
    expect(statuses(result)).toEqual(['cached', 'ran']);
    expect(await bench.traces()).toEqual([]);
  });

  it('--network=host likewise; a build on the network of the host has it anyway', async () => {
    const line = `${BASE}\nRUN --network=host ls /sys/class/net > /links`;
    bench = await MountBench.open('hostnetno');
    await expect(bench.build(line, { allow: ['network.host'] })).rejects.toMatchObject({
      code: 'denied',
      message: 'RUN --network=host: entitlement network.host is not allowed on this server',
    });
    await bench.close();
    bench = await MountBench.open('hostnetyes', { hostNetwork: true });
    await expect(bench.build(line)).rejects.toMatchObject({
      message: 'RUN --network=host: entitlement network.host is not allowed in this build',
    });
    expect(statuses(await bench.build(line, { allow: ['network.host'] }))).toEqual(['ran']);
    expect(statuses(await bench.build(line, { network: { kind: 'host' } }))).toEqual(['cached']);
  });
});

/** All that this process could hand on. */
function ownBounding(): string {
  return /^CapBnd:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
}
