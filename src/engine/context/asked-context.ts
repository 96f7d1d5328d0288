import type { ContextFiles } from './context-files.ts';
import type { FileIndex } from './file-index.ts';
import { FolderFiles } from './folder-files.ts';
import { IgnoreFile } from './ignore-file.ts';
import { type Exclusion, NOTHING_EXCLUDED } from './select.ts';
import type { SourceTree } from './source-tree.ts';

/** The Dockerfile of a context whose files are somebody else's: whoever opens that context has read it. */
export interface GivenDockerfile {
  name: string;
  text: string;
  /** Rules that go with it; `file` is the name by which the person knows them. */
  ignore?: { text: string; file: string } | undefined;
}

/** The context of a build whose files are brought when it is known which of them it needs. */
export class AskedContext implements ContextFiles {
  readonly dockerfile: { name: string; text: string };
  readonly #ignore: IgnoreFile | undefined;
  readonly #borrow: (paths: readonly string[] | undefined) => Promise<{ path: string; index: FileIndex }>;
  #files: FolderFiles | undefined;

  /** @param borrow gives a folder with what lies at these paths, or with everything @throws Problem `invalid` for a bad pattern */
  constructor(
    { name, text, ignore }: GivenDockerfile,
    borrow: (paths: readonly string[] | undefined) => Promise<{ path: string; index: FileIndex }>,
  ) {
    this.dockerfile = { name, text };
    this.#ignore = ignore === undefined ? undefined : new IgnoreFile(ignore.text, ignore.file);
    this.#borrow = borrow;
  }

  /** To be called once, before anything else is asked. @throws whatever the borrowing throws */
  async bring(paths: readonly string[] | undefined): Promise<void> {
    const { path, index } = await this.#borrow(paths);
    this.#files = new FolderFiles(path, index);
  }

  get tree(): SourceTree {
    return this.#brought.tree;
  }

  get folder(): string {
    return this.#brought.folder;
  }

  get index(): FileIndex {
    return this.#brought.index;
  }

  get exclusion(): Exclusion {
    return this.#ignore ?? NOTHING_EXCLUDED;
  }

  /** An excluded file was never asked for, so nobody knows whether it is there. */
  whyExcluded(path: string): string | undefined {
    return this.#ignore?.reason(path, 'It may be there, but');
  }

  async close(): Promise<void> {
    await this.#files?.close();
  }

  get #brought(): FolderFiles {
    if (this.#files === undefined) throw new Error('the files of the context have not been asked for');
    return this.#files;
  }
}
