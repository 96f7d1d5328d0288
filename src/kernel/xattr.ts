import { call, cString } from './libc.ts';
import { SystemCallError } from './system-call-error.ts';

/** Names and values as bytes; links are not followed, since layers carry attributes of the link itself. */
export function setXattr(path: string | Buffer, name: string, value: Buffer): void {
  call('lsetxattr', String(path), cString(path), cString(name), value, value.length, 0);
}

/** Undefined when there is no such attribute or the file system has none at all. */
export function getXattr(path: string | Buffer, name: string): Buffer | undefined {
  const cPath = cString(path);
  const cName = cString(name);
  return sized(String(path), (buffer) =>
    call('lgetxattr', String(path), cPath, cName, buffer, buffer === null ? 0 : buffer.length),
  );
}

export function listXattrs(path: string | Buffer): string[] {
  const cPath = cString(path);
  const names = sized(String(path), (buffer) =>
    call('llistxattr', String(path), cPath, buffer, buffer === null ? 0 : buffer.length),
  );
  return names === undefined || names.length === 0 ? [] : names.subarray(0, -1).toString('utf8').split('\0');
}

/** Nothing happens when it isn't there. */
export function removeXattr(path: string | Buffer, name: string): void {
  try {
    call('lremovexattr', String(path), cString(path), cString(name));
  } catch (error) {
    if (!(error instanceof SystemCallError && error.code === 'ENODATA')) throw error;
  }
}

/** Most values fit the first guess; a longer one is asked for its size, and again when it grew in between (ERANGE). */
function sized(path: string, ask: (buffer: Buffer | null) => number): Buffer | undefined {
  let buffer = Buffer.allocUnsafe(256);
  for (let attempt = 0; attempt < 4; attempt++) {
    try {
      return buffer.subarray(0, ask(buffer));
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      if (error.code === 'ENODATA' || error.code === 'ENOTSUP') return undefined;
      if (error.code !== 'ERANGE') throw error;
      buffer = Buffer.allocUnsafe(ask(null));
    }
  }
  throw new SystemCallError('lgetxattr', 34, path);
}
