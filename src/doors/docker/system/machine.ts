import { readFile, stat } from 'node:fs/promises';
import { arch } from 'node:os';

/** The processor as Go names it (image platforms), and as `uname -m` does. */
export function architecture(): { go: string; uname: string } {
  const known: Partial<Record<string, { go: string; uname: string }>> = {
    x64: { go: 'amd64', uname: 'x86_64' },
    arm64: { go: 'arm64', uname: 'aarch64' },
    arm: { go: 'arm', uname: 'armv7l' },
    ia32: { go: '386', uname: 'i686' },
    ppc64: { go: 'ppc64le', uname: 'ppc64le' },
    s390x: { go: 's390x', uname: 's390x' },
    riscv64: { go: 'riscv64', uname: 'riscv64' },
  };
  return known[arch()] ?? { go: arch(), uname: arch() };
}

/** PRETTY_NAME and VERSION_ID of os-release(5). */
export async function operatingSystem(): Promise<{ name: string; version: string }> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const value = (key: string) => new RegExp(`^${key}=["']?([^"'\\n]*)`, 'm').exec(text)?.[1];
  return { name: value('PRETTY_NAME') ?? 'Linux', version: value('VERSION_ID') ?? '' };
}

/** `2` where the unified hierarchy is mounted. */
export async function cgroupVersion(): Promise<'1' | '2'> {
  const unified = await stat('/sys/fs/cgroup/cgroup.controllers').catch(() => undefined);
  return unified === undefined ? '1' : '2';
}
