/** Files of a container, running or not, links resolved as it would itself; nothing leads out of its root. */
export interface ContainerFiles {
  /** @throws Problem `not-found`: `Could not find the file PATH in container NAME` */
  stat(name: string, path: string): Promise<PathStat>;
  /** A tar of `path`, whose entries begin with its last segment. */
  read(name: string, path: string, signal: AbortSignal): Promise<{ stat: PathStat; tar: AsyncIterable<Buffer> }>;
  /** Unpacks into a folder. @throws Problem `invalid` for a bad archive or when `path` is no folder */
  write(name: string, path: string, tar: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<void>;
}

/** The header `X-Docker-Container-Path-Stat`. */
export interface PathStat {
  name: string;
  size: number;
  /** Go's os.FileMode. */
  mode: number;
  mtime: string;
  linkTarget: string;
}

export interface WriteOptions {
  noOverwriteDirNonDir: boolean;
  copyUidGid: boolean;
}
