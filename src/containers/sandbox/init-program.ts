import { open } from 'node:fs/promises';
import { hasErrorCode, Problem } from '../../lib/problem.ts';

/** As distributions install them: docker's own first, then those that podman and others bring. */
const PROGRAMS = ['docker-init', 'tini-static', 'catatonit', 'tini'];
const FOLDERS = ['/usr/bin', '/usr/local/bin', '/usr/libexec/docker', '/usr/libexec/podman'];

/** Where docker shows it in the container. */
export const INIT_TARGET = '/sbin/docker-init';

/**
 * A small program of this machine that runs as process 1, reaps what nobody waits for and passes signals on. It has to be
 * linked statically, since the image may have another C library or none.
 * @throws Problem `unsupported` when there is none
 */
export async function findInit(): Promise<string> {
  for (const name of PROGRAMS) {
    for (const folder of FOLDERS) {
      if (await isStatic(`${folder}/${name}`)) return `${folder}/${name}`;
    }
  }
  throw new Problem('unsupported', 'this machine has no init program for containers', {
    hint: 'apt-get install tini (or catatonit), or leave --init away.',
  });
}

const PT_INTERP = 3;

/** Whether a 64-bit ELF program (elf(5)) names no interpreter; false for anything else and when there is none. */
async function isStatic(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'r');
    try {
      const header = Buffer.alloc(4096);
      await file.read(header, 0, header.length, 0);
      if (header.toString('latin1', 0, 5) !== '\x7fELF\x02') return false;
      const [offset, size, count] = [
        Number(header.readBigUInt64LE(32)),
        header.readUInt16LE(54),
        header.readUInt16LE(56),
      ];
      if (offset + size * count > header.length) return false;
      const types = Array.from({ length: count }, (_, index) => header.readUInt32LE(offset + index * size));
      return !types.includes(PT_INTERP);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return false;
    throw error;
  }
}
