import { createRequire } from 'node:module';
import { endianness } from 'node:os';
import type { KoffiFunc, LibraryHandle } from 'koffi';
import { SystemCallError } from './system-call-error.ts';

/**
 * Every prototype that we call in the C library, in one place, because a wrong one does not fail but kills the process.
 * Paths are NUL-terminated buffers (`cString`), structs are buffers laid out by hand (64-bit, little-endian: checked at
 * the first use), so that koffi needs only numbers and pointers.
 *
 * The names in `syscall…` are `syscall(2)` with a fixed list of arguments: on the two ABIs that we support, the integers of
 * a variadic call travel in the same registers as those of a fixed one.
 */
const PROTOTYPES = {
  getpid: ['getpid', 'int', []],
  flock: ['flock', 'int', ['int', 'int']],
  mount: ['mount', 'int', ['void *', 'void *', 'void *', 'ulong', 'void *']],
  umount2: ['umount2', 'int', ['void *', 'int']],
  mknod: ['mknod', 'int', ['void *', 'uint', 'uint64_t']],
  lsetxattr: ['lsetxattr', 'int', ['void *', 'void *', 'void *', 'size_t', 'int']],
  lgetxattr: ['lgetxattr', 'int64_t', ['void *', 'void *', 'void *', 'size_t']],
  llistxattr: ['llistxattr', 'int64_t', ['void *', 'void *', 'size_t']],
  lremovexattr: ['lremovexattr', 'int', ['void *', 'void *']],
  readlinkat: ['readlinkat', 'int64_t', ['int', 'void *', 'void *', 'size_t']],
  utimensat: ['utimensat', 'int', ['int', 'void *', 'void *', 'int']],
  copy_file_range: ['copy_file_range', 'int64_t', ['int', 'void *', 'int', 'void *', 'size_t', 'uint']],
  /** Variadic, of which the comment above holds too; so is fcntl. */
  ioctl: ['ioctl', 'int', ['int', 'ulong', 'void *']],
  /** For requests whose argument is no address. */
  ioctlNumber: ['ioctl', 'int', ['int', 'ulong', 'ulong']],
  fcntl: ['fcntl', 'int', ['int', 'int', 'int64_t']],
  socket: ['socket', 'int', ['int', 'int', 'int']],
  bind: ['bind', 'int', ['int', 'void *', 'uint']],
  listen: ['listen', 'int', ['int', 'int']],
  accept4: ['accept4', 'int', ['int', 'void *', 'void *', 'int']],
  send: ['send', 'int64_t', ['int', 'void *', 'size_t', 'int']],
  recv: ['recv', 'int64_t', ['int', 'void *', 'size_t', 'int']],
  unshare: ['unshare', 'int', ['int']],
  setns: ['setns', 'int', ['int', 'int']],
  recvmsg: ['recvmsg', 'int64_t', ['int', 'void *', 'int']],
  /** It gives back where its first argument is: all that we want of it, for structs that point to others. */
  memmove: ['memmove', 'uint64_t', ['void *', 'void *', 'size_t']],
  mallopt: ['mallopt', 'int', ['int', 'int']],
  malloc_trim: ['malloc_trim', 'int', ['size_t']],
  prctl: ['prctl', 'int', ['int', 'ulong', 'ulong', 'ulong', 'ulong']],
  /** openat2(dirfd, path, how, size) */
  syscallOpenat2: ['syscall', 'int64_t', ['int64_t', 'int', 'void *', 'void *', 'size_t']],
  /** pidfd_open(pid, flags) */
  syscallPidfdOpen: ['syscall', 'int64_t', ['int64_t', 'int', 'uint']],
  /** pidfd_send_signal(pidfd, signal, info, flags) */
  syscallPidfdSendSignal: ['syscall', 'int64_t', ['int64_t', 'int', 'int', 'void *', 'uint']],
} as const;

/** Numbers of calls that the C library does not wrap; those from 424 on (Linux 5.1) are the same on every architecture. */
export const SYSCALL = { pidfdSendSignal: 424, pidfdOpen: 434, openat2: 437 } as const;

export type CFunction = keyof typeof PROTOTYPES;
type Argument = number | bigint | Buffer | null;
type Native = KoffiFunc<(...args: Argument[]) => number | bigint>;

interface Loaded {
  errno(): number;
  symbol(name: CFunction): Native;
}

let loaded: Loaded | Error | undefined;

/** Whether the C library can be called here; if not, `mount` and `umount` have spawned stand-ins and nothing else has. */
export function nativeAvailable(): boolean {
  return !(load() instanceof Error);
}

/**
 * Calls and gives back the result. For calls that take microseconds; others would hold the event loop.
 * @param what what the error names, mostly the path
 * @throws SystemCallError (`code` is the errno's name) when the call gives -1
 */
export function call(name: CFunction, what: string, ...args: Argument[]): number {
  const native = required();
  const result = Number(native.symbol(name)(...args));
  if (result === -1) throw new SystemCallError(name, native.errno(), what);
  return result;
}

/**
 * Where a buffer's bytes are, which is where they stay as long as somebody holds it.
 * @param buffer larger than 64 bytes: V8 may keep smaller ones in its heap and move them
 */
export function addressOf(buffer: Buffer): bigint {
  return BigInt(required().symbol('memmove')(buffer, buffer, 0));
}

/** For a program of its own that calls the C library by koffi. */
export function koffiPath(): string {
  return createRequire(import.meta.url).resolve('koffi');
}

/** As `call`, on a thread of koffi's pool: for what may wait for a disk. */
export async function callAsync(name: CFunction, what: string, ...args: Argument[]): Promise<number> {
  const native = required();
  const symbol = native.symbol(name);
  return await new Promise<number>((resolve, reject) => {
    symbol.async(...args, (error: unknown, result: number | bigint) => {
      if (error !== null && error !== undefined) return reject(error);
      // koffi carries the errno of the thread into this callback, also when several calls end at once (tried with 200)
      if (Number(result) === -1) return reject(new SystemCallError(name, native.errno(), what));
      resolve(Number(result));
    });
  });
}

/** A C string; a NUL inside would silently cut it off, and so is an error. */
export function cString(text: string | Buffer): Buffer {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'utf8') : text;
  if (bytes.includes(0)) throw new SystemCallError('path', 22, bytes.toString('utf8').replaceAll('\0', '\\0'));
  return Buffer.concat([bytes, Buffer.of(0)]);
}

function required(): Loaded {
  const native = load();
  if (native instanceof Error) throw native;
  return native;
}

function load(): Loaded | Error {
  loaded ??= attempt();
  return loaded;
}

function attempt(): Loaded | Error {
  try {
    // Loaded on first use and not by `import`, so that commands which never mount don't pay for it and a machine without
    // the prebuilt binary still starts.
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    const native = declare(koffi.load(null), () => koffi.errno());
    selfTest(native);
    return native;
  } catch (error) {
    return new Error(`the C library can't be called: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function declare(library: LibraryHandle, errno: () => number): Loaded {
  const symbols = new Map<CFunction, Native>();
  return {
    errno,
    symbol(name) {
      let native = symbols.get(name);
      if (native === undefined) {
        const [symbol, result, parameters] = PROTOTYPES[name];
        native = library.func(symbol, result, [...parameters]) as Native;
        symbols.set(name, native);
      }
      return native;
    },
  };
}

/** A failed self-test is a clear error at the first call; a wrong ABI would be a crash or a damaged file later. */
function selfTest(native: Loaded): void {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch) || endianness() !== 'LE') {
    throw new Error(`${process.platform}/${process.arch} is neither linux/x64 nor linux/arm64`);
  }
  if (native.symbol('getpid')() !== process.pid) throw new Error('getpid() gives a wrong number');
  const badFd = native.symbol('flock')(-1, 8);
  if (badFd !== -1 || native.errno() !== 9) throw new Error('errno is not the one of the call before');
}
