import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageBuild } from '../contenders/contender.ts';
import { pythonWheel } from './wheel.ts';

const PACKAGES = ['alpha', 'beta', 'gamma', 'delta'];
const MODULES = 40;
const SOURCES = 20;

/**
 * A small Python service: requirements that pip installs from wheels in the context, twenty source files, and two
 * Dockerfiles that differ in what stands before RUN. Nothing about it needs a network.
 */
export class PythonApp {
  readonly context: string;

  static async write(folder: string, base: string): Promise<PythonApp> {
    const app = new PythonApp(join(folder, 'python-app'));
    for (const part of ['wheels', 'app']) await mkdir(join(app.context, part), { recursive: true });
    for (const name of PACKAGES) {
      const { file, bytes } = pythonWheel(name, MODULES);
      await writeFile(join(app.context, 'wheels', file), bytes);
    }
    for (let i = 0; i < SOURCES; i++) await app.#writeSource(i, '');
    await writeFile(
      join(app.context, 'main.py'),
      `import ${PACKAGES.join(', ')}\nfrom app import part0\nprint(part0.answer_0())\n`,
    );
    const rest = 'ENV PORT=8080\nEXPOSE 8080\nCMD ["python", "main.py"]\n';
    const install = 'RUN pip install --quiet --root-user-action=ignore -r requirements.txt';
    await writeFile(join(app.context, 'Dockerfile'), `FROM ${base}\nWORKDIR /app\nCOPY . .\n${install}\n${rest}`);
    await writeFile(
      join(app.context, 'Dockerfile.requirements-first'),
      `FROM ${base}\nWORKDIR /app\nCOPY requirements.txt ./\nCOPY wheels wheels\n${install}\nCOPY app app\nCOPY main.py ./\n${rest}`,
    );
    await writeFile(join(app.context, 'Dockerfile.base'), `FROM ${base}\nRUN ["true"]\n`);
    await writeFile(join(app.context, '.dockerignore'), 'Dockerfile*\n');
    await app.renew('first');
    return app;
  }

  private constructor(context: string) {
    this.context = context;
  }

  /** Other requirements for pip, although it installs the same: nobody has anything of it in a cache. */
  renew(mark: string): Promise<void> {
    const lines = ['--no-index', '--find-links wheels', ...PACKAGES.map((name) => `${name}==1.0.0`)];
    return writeFile(join(this.context, 'requirements.txt'), `# ${mark}\n${lines.join('\n')}\n`);
  }

  /** One line of one source file. */
  edit(mark: string): Promise<void> {
    return this.#writeSource(0, `# ${mark}\n`);
  }

  /** Source before RUN, as most Dockerfiles have it: an edit makes pip run again. */
  get sourceFirst(): ImageBuild {
    return { context: this.context, file: join(this.context, 'Dockerfile'), tag: 'bench/source-first:latest' };
  }

  /** Requirements alone before RUN: an edit leaves pip alone. */
  get requirementsFirst(): ImageBuild {
    const file = join(this.context, 'Dockerfile.requirements-first');
    return { context: this.context, file, tag: 'bench/requirements-first:latest' };
  }

  /** Brings the base into a store, unpacked as its RUN needs it. */
  get base(): ImageBuild {
    return { context: this.context, file: join(this.context, 'Dockerfile.base'), tag: 'bench/base:latest' };
  }

  #writeSource(index: number, head: string): Promise<void> {
    const functions = Array.from(
      { length: 80 },
      (_, i) => `def answer_${i}():\n    return 'source ${index} answer ${i}'\n`,
    );
    return writeFile(join(this.context, 'app', `part${index}.py`), `${head}${functions.join('\n')}`);
  }
}
