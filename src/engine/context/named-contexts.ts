import type { Platform } from '../../images/platform.ts';
import { type Place, Problem } from '../../lib/problem.ts';
import type { ResolvedImage } from '../engine.ts';
import type { NamedContext } from '../request.ts';
import type { BuildSources } from '../sources/build-sources.ts';
import type { ContextFiles } from './context-files.ts';
import type { FolderFiles } from './folder-files.ts';

/** What a named context turned out to be. */
export type OpenedContext = { kind: 'image'; image: ResolvedImage } | { kind: 'files'; files: ContextFiles };

/** The contexts of `--build-context`: each is opened when it is first asked for, and all are closed with the build. */
export class NamedContexts {
  readonly #contexts: Readonly<Record<string, NamedContext>>;
  readonly #sources: BuildSources;
  readonly #opened = new Map<string, Promise<FolderFiles>>();
  readonly #images = new Map<string, Promise<ResolvedImage>>();

  constructor(contexts: Readonly<Record<string, NamedContext>>, sources: BuildSources) {
    this.#contexts = contexts;
    this.#sources = sources;
  }

  /** As the planner knows them: the reference of an image, or undefined for all else. */
  get names(): Record<string, string | undefined> {
    return Object.fromEntries(
      Object.entries(this.#contexts).map(([name, source]) => [
        name,
        source.kind === 'image' ? source.reference : undefined,
      ]),
    );
  }

  /** @throws Problem of the one who opens it, with the place that asked */
  async open(name: string, platform: Platform, place: Place): Promise<OpenedContext> {
    const source = this.#contexts[name];
    if (source === undefined || source.kind === 'image') throw new Error(`no context ${name} to open`);
    try {
      if (source.kind !== 'layout') {
        const opened = this.#opened.get(name) ?? this.#sources.files(source, name);
        this.#opened.set(name, opened);
        return { kind: 'files', files: await opened };
      }
      const key = JSON.stringify([name, platform]);
      const image = this.#images.get(key) ?? this.#sources.layout(source, platform);
      this.#images.set(key, image);
      return { kind: 'image', image: await image };
    } catch (error) {
      if (!(error instanceof Problem) || error.place !== undefined) throw error;
      throw new Problem(error.code, `context ${name}: ${error.message}`, { place, hint: error.hint, cause: error });
    }
  }

  async close(): Promise<void> {
    for (const opened of this.#opened.values()) {
      const files = await opened.catch(() => undefined); // its error was met by whoever asked
      await files?.close();
    }
  }
}
