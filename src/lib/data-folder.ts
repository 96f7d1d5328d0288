import { chmod, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { hasErrorCode, messageOf, Problem } from './problem.ts';

/** Everything of one Slipway installation: where what lies. All of it is on one file system, so that files move by rename. */
export interface DataFolder {
  root: string;
  database: string;
  content: string;
  /** Upload sessions; they survive a restart. */
  uploads: string;
  snapshots: string;
  logs: string;
  trash: string;
  /** Running containers. */
  run: string;
  /** Workspaces of running builds. */
  builds: string;
  /** Locked by the owner for its lifetime. */
  lock: string;
  /** HTTP for the command line. */
  socket: string;
  /** Rows for the other processes of this machine. */
  rowsSocket: string;
  dockerSocket: string;
  /** Containers and volumes of the docker door, a folder for each scope. */
  docker: string;
  token: string;
  /** Opens the values of secrets. */
  secretsKey: string;
  ca: string;
  config: string;
}

/** sockaddr_un holds 108 bytes, the closing zero included (unix(7)); what is longer fails with a bare EINVAL. */
const LONGEST_SOCKET_PATH = 107;

/** @throws Problem `invalid` when the path is too long for the sockets in it */
export function dataFolder(path: string): DataFolder {
  const root = resolve(path);
  const folder: DataFolder = {
    root,
    database: join(root, 'slipway.db'),
    content: join(root, 'content'),
    uploads: join(root, 'content', 'uploads'),
    snapshots: join(root, 'snapshots'),
    logs: join(root, 'logs'),
    trash: join(root, 'trash'),
    run: join(root, 'run'),
    builds: join(root, 'builds'),
    lock: join(root, 'owner.lock'),
    socket: join(root, 'slipway.sock'),
    rowsSocket: join(root, 'rows.sock'),
    dockerSocket: join(root, 'docker.sock'),
    docker: join(root, 'docker'),
    token: join(root, 'token'),
    secretsKey: join(root, 'secrets-key'),
    ca: join(root, 'ca.pem'),
    config: join(root, 'slipway.yaml'),
  };
  const excess = Buffer.byteLength(folder.socket) - LONGEST_SOCKET_PATH;
  if (excess > 0)
    throw new Problem('invalid', `the path of the data folder is ${excess} bytes too long: ${root}`, {
      hint: 'Unix sockets are made in it, and the kernel limits their paths to 107 bytes. Choose a shorter --data.',
    });
  return folder;
}

/**
 * Makes what is missing. Only the owner of the folder may look inside: blobs, tokens and sockets are below it.
 * @throws Problem `denied` when it is another user's or can't be made
 */
export async function createDataFolder(folder: DataFolder): Promise<void> {
  const { content, uploads, snapshots, logs, trash, run, builds, docker } = folder;
  try {
    await mkdir(folder.root, { recursive: true });
    await chmod(folder.root, 0o700);
    for (const path of [content, uploads, snapshots, logs, trash, run, builds, docker])
      await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    if (!hasErrorCode(error, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST')) throw error;
    throw new Problem('denied', `${folder.root} can't be used as data folder: ${messageOf(error)}`, {
      hint: 'Choose a folder of your own with --data or SLIPWAY_DATA, or run this as the user who owns it.',
    });
  }
}
