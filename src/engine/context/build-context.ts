import type { ImageBuildRequest } from '../request.ts';
import { cleanPath, parentOf } from '../trees/entry.ts';
import type { FileIndex } from './file-index.ts';
import { FolderFiles } from './folder-files.ts';
import { MissingSource } from './missing-source.ts';
import { similarNames } from './select.ts';

/** The files that a build is given, and its Dockerfile. */
export class BuildContext extends FolderFiles {
  readonly dockerfile: { name: string; text: string };

  /**
   * Opens the folder and reads the Dockerfile and the ignore file that goes with it: `<Dockerfile>.dockerignore` beside
   * it wins over `.dockerignore` of the context. Both are readable whatever the rules say.
   * @throws Problem `not-found` (MissingSource for the Dockerfile), `invalid` for a bad pattern
   */
  constructor(folder: string, dockerfile: ImageBuildRequest['dockerfile'], index: FileIndex) {
    super(folder, index);
    try {
      if ('text' in dockerfile) {
        this.dockerfile = { name: dockerfile.name, text: dockerfile.text };
        if (dockerfile.ignore === undefined) this.obeyFirst(['.dockerignore']);
        else this.obey(dockerfile.ignore, `${dockerfile.name}.dockerignore`);
      } else {
        this.dockerfile = this.#read(cleanPath(dockerfile.path));
        this.obeyFirst([`${this.dockerfile.name}.dockerignore`, '.dockerignore']);
      }
    } catch (error) {
      this.tree.close();
      throw error;
    }
  }

  #read(path: string): { name: string; text: string } {
    const text = this.text(path);
    if (text !== undefined) return { name: path, text };
    const similar = similarNames(this.tree, path);
    throw new MissingSource(`failed to read dockerfile: open ${path}: no such file or directory`, path, {
      hint:
        similar.length > 0
          ? `Did you mean ${similar.join(' or ')}? Name it with -f.`
          : `The context has no ${path}${parentOf(path) === '' ? '' : ` (the path is below the context's root)`}.`,
    });
  }
}
