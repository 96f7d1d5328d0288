import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { constants, Script } from 'node:vm';
import type { runCli } from '../cli/main.ts';

/**
 * The command line as one file, and beside it what V8 had compiled of that file when it was built (scripts/compile-cli.mjs).
 * V8 takes that only if version and flags are those of the build, and else compiles what is called, as always.
 */
export class CliBundle {
  readonly runCli: typeof runCli;
  readonly #script: Script;

  /** @param file CommonJS, in ASCII: V8 measures a source by its characters, and others would take two bytes each */
  constructor(file: string) {
    const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(file, 'latin1')}\n})`;
    this.#script = new Script(source, {
      filename: file,
      cachedData: compiledOf(file),
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    const module = { exports: {} as { runCli: typeof runCli } };
    this.#script.runInThisContext()(module.exports, createRequire(file), module, file, dirname(file));
    this.runCli = module.exports.runCli;
  }

  /** What V8 has compiled until now. */
  compiled(): Buffer {
    return this.#script.createCachedData();
  }
}

/** Where the compiled form of a bundle lies. */
export function compiledPath(file: string): string {
  return `${file}.compiled`;
}

function compiledOf(file: string): Buffer | undefined {
  try {
    return readFileSync(compiledPath(file));
  } catch {
    return undefined; // it is only for speed
  }
}
