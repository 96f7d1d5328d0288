import { Problem } from '../lib/problem.ts';

/** OCI image-index.md, platform. Architectures are Go's names. */
export interface Platform {
  os: string;
  architecture: string;
  variant?: string;
  'os.version'?: string;
  'os.features'?: string[];
}

const ARCHITECTURES: Record<string, string> = {
  x64: 'amd64',
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  arm64: 'arm64',
  arm: 'arm',
  ia32: '386',
  i386: '386',
  ppc64: 'ppc64le',
  s390x: 's390x',
  riscv64: 'riscv64',
};

/** The platform of this machine; containers are always linux. */
export function hostPlatform(): Platform {
  return { os: 'linux', architecture: ARCHITECTURES[process.arch] ?? process.arch };
}

/**
 * `os/arch[/variant]`, or `arch` alone, as docker's --platform takes it.
 * @throws Problem `invalid`
 */
export function parsePlatform(text: string): Platform {
  const parts = text.trim().toLowerCase().split('/');
  if (parts.length > 3 || parts.some((part) => !/^[a-z0-9_.-]+$/.test(part)))
    throw new Problem('invalid', `invalid platform ${JSON.stringify(text)}`, {
      hint: 'A platform is os/architecture or os/architecture/variant, for example linux/amd64 or linux/arm/v7.',
    });
  const [first = '', second, third] = parts;
  if (second === undefined) return first === 'linux' ? hostPlatform() : normalise('linux', first);
  return normalise(first, second, third);
}

function normalise(os: string, architecture: string, variant?: string): Platform {
  const arch = ARCHITECTURES[architecture] ?? architecture;
  if (arch === 'arm64' && (variant === undefined || variant === 'v8')) return { os, architecture: arch };
  if (arch === 'arm' && variant === undefined) return { os, architecture: arch, variant: 'v7' };
  return variant === undefined ? { os, architecture: arch } : { os, architecture: arch, variant };
}

export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant]
    .filter((part) => part !== undefined && part !== '')
    .join('/');
}

/** Whether an image for `have` serves a request for `want`; a missing variant on either side matches. */
export function platformMatches(have: Platform, want: Platform): boolean {
  return (
    have.os === want.os &&
    have.architecture === want.architecture &&
    (have.variant === undefined ||
      want.variant === undefined ||
      have.variant === want.variant ||
      (have.architecture === 'arm64' && have.variant === 'v8'))
  );
}
