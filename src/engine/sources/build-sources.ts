import { createReadStream } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isGitSource } from '../../dockerfile/interpret/remote-source.ts';
import { decompress } from '../../images/decompress.ts';
import type { Platform } from '../../images/platform.ts';
import { Problem } from '../../lib/problem.ts';
import { AskedContext } from '../context/asked-context.ts';
import { BuildContext } from '../context/build-context.ts';
import type { ContextIndexes } from '../context/context-indexes.ts';
import { FileIndex } from '../context/file-index.ts';
import { FolderFiles, TEXT_LIMIT } from '../context/folder-files.ts';
import type { EngineDeps } from '../deps.ts';
import type { Caller, ResolvedImage } from '../engine.ts';
import type { Progress, Vertex } from '../progress.ts';
import { Materials } from '../provenance/materials.ts';
import type { ContextSource, ImageBuildRequest, LentFolder, NamedContext } from '../request.ts';
import type { ActiveFolder, SnapshotStore } from '../snapshots/snapshot-store.ts';
import type { ImageSource } from '../transfer/source.ts';
import { GitRepositories } from './git.ts';
import { GIT_LIMITS } from './git-limits.ts';
import { GitSandbox } from './git-sandbox.ts';
import { parseGitUrl } from './git-url.ts';
import { isArchive } from './is-archive.ts';
import { importLayout } from './layout.ts';
import { shownUrl, withoutPassword } from './shown-url.ts';
import { unpackTar } from './unpack-archive.ts';
import type { WebFiles } from './web-file.ts';

/** What the sources of one build work with. */
export interface SourceRoom {
  deps: EngineDeps;
  store: SnapshotStore;
  web: WebFiles;
  images: ImageSource;
  indexes: ContextIndexes;
}

/** A folder with a context's files. */
interface ContextFolder {
  path: string;
  index: FileIndex;
  /** The context is this alone. */
  dockerfile?: string;
}

/**
 * Everything that one build takes from elsewhere: contexts as folders, files, repositories. What is fetched or unpacked lies
 * in folders of this process, which go with `close`, or with the next sweep after a crash.
 */
export class BuildSources {
  readonly git: GitRepositories;
  readonly web: WebFiles;
  /** What was taken, by digest or commit. */
  readonly materials = new Materials();
  readonly #room: SourceRoom;
  readonly #request: ImageBuildRequest;
  readonly #signal: AbortSignal;
  readonly #progress: Progress;
  readonly #folders: ActiveFolder[] = [];
  readonly #lent: LentFolder[] = [];

  constructor(request: ImageBuildRequest, caller: Caller, room: SourceRoom, progress: Progress) {
    this.#room = room;
    this.#request = request;
    this.#signal = caller.signal;
    this.#progress = progress;
    this.web = room.web;
    const sandbox = new GitSandbox(room.deps.runtime, room.deps.fetch ?? {}, room.deps.git ?? GIT_LIMITS);
    this.git = new GitRepositories(sandbox, room.store, request, caller.signal);
  }

  /** An empty folder that goes with the build. */
  async folder(): Promise<string> {
    const active = await this.#room.store.prepare();
    this.#folders.push(active);
    return active.folder;
  }

  /** The build context, with its Dockerfile; one that is asked for has no files yet. @throws Problem */
  async build(): Promise<BuildContext | AskedContext> {
    const { context, dockerfile } = this.#request;
    if (context.kind === 'asked') {
      if (!('text' in dockerfile)) throw new Error('whoever asks for files reads the Dockerfile first');
      const { name, text, ignore, ignoreName = `${name}.dockerignore` } = dockerfile;
      const given = { name, text, ...(ignore === undefined ? {} : { ignore: { text: ignore, file: ignoreName } }) };
      return new AskedContext(given, (paths) => this.#borrow(context, '[internal] load build context', paths));
    }
    const { path, index, dockerfile: lone } = await this.#open(context, 'load build context', true);
    const meant = lone === undefined || 'text' in dockerfile ? dockerfile : { text: lone, name: dockerfile.path };
    return new BuildContext(path, meant, index);
  }

  /** A named context's files, without what its own .dockerignore excludes. @throws Problem */
  async files(source: Exclude<NamedContext, { kind: 'image' | 'layout' }>, name: string): Promise<FolderFiles> {
    const { path, index } = await this.#open(source, `[context ${name}] load`, false);
    const files = new FolderFiles(path, index);
    try {
      files.obeyFirst(['.dockerignore']);
      return files;
    } catch (error) {
      files.tree.close();
      throw error;
    }
  }

  /** The image of an OCI layout. @throws Problem */
  async layout(source: Extract<NamedContext, { kind: 'layout' }>, platform: Platform): Promise<ResolvedImage> {
    const { deps, images } = this.#room;
    return await importLayout(source.path, source.reference, platform, { content: deps.content, source: images });
  }

  async close(): Promise<void> {
    for (const lent of this.#lent) await lent.release();
    for (const active of this.#folders) await active.discard();
  }

  async #borrow(
    { open }: Extract<ContextSource, { kind: 'asked' }>,
    name: string,
    paths?: readonly string[],
  ): Promise<ContextFolder> {
    if (paths?.length === 0) return await this.#empty();
    const vertex = this.#progress.begin(name);
    try {
      const lent = await open({ paths, watch: vertex.status, signal: this.#signal });
      this.#lent.push(lent);
      vertex.end('done');
      return { path: lent.path, index: await this.#room.indexes.of(lent.path, lent.states) };
    } catch (error) {
      vertex.fail(error);
      throw error;
    }
  }

  async #empty(): Promise<ContextFolder> {
    const path = join(await this.folder(), 'empty');
    await mkdir(path);
    return { path, index: FileIndex.passing() };
  }

  async #open(source: ContextSource, name: string, isMain: boolean): Promise<ContextFolder> {
    if (source.kind === 'folder')
      return { path: source.path, index: await this.#room.indexes.of(source.path, source.states) };
    if (source.kind === 'asked') return await this.#borrow(source, `${name} from client`);
    if (source.kind === 'empty') return await this.#empty();
    const folder = await this.folder();
    const shown = source.kind === 'url' ? withoutPassword(source.url) : 'archive';
    const vertex = this.#progress.begin(isMain ? `[internal] ${name} from ${shown}` : `${name} ${shown}`);
    try {
      const opened =
        source.kind === 'tar'
          ? await this.#unpack(source.path, folder)
          : isGitSource(source.url) || source.url.startsWith('github.com/')
            ? await this.#checkOut(source.url, folder, vertex)
            : await this.#download(source.url, folder, isMain, vertex);
      vertex.end('done');
      return opened;
    } catch (error) {
      vertex.fail(error);
      throw error;
    }
  }

  async #unpack(archive: string, folder: string): Promise<ContextFolder> {
    const path = join(folder, 'tree');
    await mkdir(path, { mode: 0o755 });
    await unpackTar(decompress(createReadStream(archive)), path, this.#signal);
    return { path, index: FileIndex.passing() };
  }

  async #checkOut(url: string, folder: string, vertex: Vertex): Promise<ContextFolder> {
    const source = parseGitUrl(url);
    if (this.#request.buildArgs['BUILDKIT_CONTEXT_KEEP_GIT_DIR'] === '1') source.keepGitDir = true;
    const commit = await this.git.commit(source);
    vertex.note(`commit ${commit}`);
    this.materials.noteCommit(source.remote, commit);
    const path = await this.git.checkOut(source, commit, folder);
    return { path, index: FileIndex.passing() };
  }

  async #download(url: string, folder: string, isMain: boolean, vertex: Vertex): Promise<ContextFolder> {
    const file = join(folder, 'file');
    const fetched = await this.web.fetch({ url, signal: this.#signal, watch: vertex.status }, file);
    const { contentType, size } = fetched;
    this.materials.noteFile(shownUrl(url), fetched.digest);
    if (await isArchive(createReadStream(file))) {
      const opened = await this.#unpack(file, folder);
      await rm(file);
      return opened;
    }
    const page = /^text\/html\b/i.test(contentType ?? '');
    if (!isMain || page || size > TEXT_LIMIT)
      throw new Problem('invalid', `${shownUrl(url)} is no archive${isMain ? ' and no Dockerfile' : ''}`, {
        hint: page ? `It is a web page. The address of a repository ends in .git: ${shownUrl(url)}.git` : undefined,
      });
    const dockerfile = await readFile(file, 'utf8');
    await rm(file);
    await mkdir(join(folder, 'empty'));
    return { path: join(folder, 'empty'), index: FileIndex.passing(), dockerfile };
  }
}
