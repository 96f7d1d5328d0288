import { describe, expect, it } from 'vitest';
import { defaultIgnoreText, parseIgnoreFile } from './gcloudignore.ts';

async function uploaded(text: string, path: string, files: Record<string, string> = {}): Promise<boolean> {
  const rules = await parseIgnoreFile(text, '.gcloudignore', async (name) => files[name]);
  return rules.excludes(path.replace(/\/$/, ''), path.endsWith('/')) === undefined;
}

describe('.gcloudignore', () => {
  it.each<[rules: string, path: string, uploaded: boolean]>([
    ['Dockerfile', 'Dockerfile', false],
    ['Dockerfile', 'deploy/docker/api/Dockerfile', false],
    ['**/Dockerfile', 'deploy/docker/api/Dockerfile', false],
    ['/Dockerfile', 'deploy/Dockerfile', true],
    ['/Dockerfile', 'Dockerfile', false],
    ['deploy/Dockerfile', 'x/deploy/Dockerfile', true],
    ['venv/', 'venv/lib/x.py', false],
    ['venv/', 'venv', true],
    ['venv/', 'a/venv/x', false],
    ['**/__pycache__', 'a/b/__pycache__/c.pyc', false],
    ['**/*.html', 'a/b.html', false],
    ['**/*.html', 'b.html', false],
    ['*.py', 'a/b.py', false],
    ['*.py', 'a/b.pyc', true],
    ['a/*.py', 'a/b/c.py', true],
    ['deep/**/g.txt', 'deep/g.txt', false],
    ['deep/**/g.txt', 'deep/a/b/g.txt', false],
    ['deep/**', 'deep/a/b', false],
    ['[ab]*', 'axx', false],
    ['[!ab]*', 'axx', true],
    ['f?o', 'foo', false],
    ['f?o', 'f/o', true],
    ['docs/\n!docs/keep.md', 'docs/keep.md', false],
    ['docs/*\n!docs/keep.md', 'docs/keep.md', true],
    ['*\n!Dockerfile', 'Dockerfile', true],
    ['*\n!Dockerfile', 'main.py', false],
    ['# comment', '# comment', true],
    ['\\#odd', '#odd', false],
    ['\\!odd', '!odd', false],
    ['trailing   ', 'trailing', false],
    ['space\\ ', 'space ', false],
    ['dropped\\', 'dropped\\', true],
    ['a.b', 'aXb', true],
    ['', 'anything', true],
  ])('%j: %s uploaded %s', async (rules, path, expected) => {
    expect(await uploaded(rules, path)).toBe(expected);
  });

  it('includes a file beside it, and nothing further', async () => {
    const files = { '.gitignore': 'dist/\n#!include:other\n' };
    expect(await uploaded('#!include:.gitignore', 'dist/x', files)).toBe(false);
    expect(await uploaded('# !include:.gitignore\n!dist/', 'dist/x', files)).toBe(true);
    await expect(uploaded('#!include:../x', 'y')).rejects.toMatchObject({
      message: 'May only include files in the same directory.',
    });
    await expect(uploaded('#!include:nope', 'y')).rejects.toMatchObject({ code: 'invalid' });
  });

  it('names the line, in the file that holds it', async () => {
    const rules = await parseIgnoreFile(
      'a\n\n**/Dockerfile\n#!include:.gitignore',
      '.gcloudignore',
      async () => 'x\ny',
    );
    expect(rules.excludes('deploy/Dockerfile')).toMatchObject({
      file: '.gcloudignore',
      line: 3,
      text: '**/Dockerfile',
    });
    expect(rules.excludes('y')).toMatchObject({ file: '.gitignore', line: 2 });
  });

  it("assumes gcloud's own list when there is only git", async () => {
    const text = defaultIgnoreText(true);
    expect(await uploaded(text, '.git/config', { '.gitignore': '*.o' })).toBe(false);
    expect(await uploaded(text, 'a.o', { '.gitignore': '*.o' })).toBe(false);
    expect(await uploaded(text, 'Dockerfile', { '.gitignore': '*.o' })).toBe(true);
  });
});
