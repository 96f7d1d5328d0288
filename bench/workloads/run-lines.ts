import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageBuild } from '../contenders/contender.ts';

/** A RUN that writes 20,000 files of 900 bytes in 200 folders. */
export async function writeManyFilesRun(folder: string, base: string, mark: string): Promise<ImageBuild> {
  const script = `# ${mark}
import os
for d in range(200):
    folder = f'/data/d{d:03d}'
    os.makedirs(folder)
    for f in range(100):
        with open(f'{folder}/f{f:03d}', 'wb') as file:
            file.write((b'%06d\\n' % (d * 100 + f)) * 128)
`;
  return await writeContext(folder, `files-${mark}`, 'bench/files:latest', {
    'generate.py': script,
    Dockerfile: `FROM ${base}\nCOPY generate.py /generate.py\nRUN python3 /generate.py\n`,
  });
}

/** Two stages that have nothing to do with each other, each of which takes two seconds. */
export async function writeTwoStages(folder: string, base: string, mark: string): Promise<ImageBuild> {
  const stage = (name: string) => `FROM ${base} AS ${name}\nRUN sleep 2 && echo ${mark} ${name} > /out-${name}\n`;
  const Dockerfile = `${stage('a')}${stage('b')}FROM ${base}\nCOPY --from=a /out-a /\nCOPY --from=b /out-b /\n`;
  return await writeContext(folder, `stages-${mark}`, 'bench/stages:latest', { Dockerfile });
}

/** RUN lines that need the base unpacked and nothing else. */
export async function writeBaseRun(folder: string, base: string, name: string): Promise<ImageBuild> {
  return await writeContext(folder, `base-${name}`, `bench/base-${name}:latest`, {
    Dockerfile: `FROM ${base}\nRUN ["true"]\n`,
  });
}

async function writeContext(
  folder: string,
  name: string,
  tag: string,
  files: Readonly<Record<string, string>>,
): Promise<ImageBuild> {
  const context = join(folder, name);
  await mkdir(context, { recursive: true });
  for (const [path, text] of Object.entries(files)) await writeFile(join(context, path), text);
  return { context, file: join(context, 'Dockerfile'), tag };
}
