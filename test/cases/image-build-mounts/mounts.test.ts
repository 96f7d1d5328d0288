import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasBusybox } from '../image-build/busybox-base.ts';
import { hasRunc } from '../image-build/needs.ts';
import { OWN } from '../image-build/test-engine.ts';
import { BASE, MountBench, output, statuses } from './mount-bench.ts';

describe.skipIf(!hasBusybox || !hasRunc)('RUN --mount', () => {
  let bench: MountBench;
  beforeAll(async () => {
    bench = await MountBench.open('mounttest');
  });
  afterAll(() => bench.close());
  afterEach(async () => {
    await bench.emptyContext();
    expect(await bench.traces()).toEqual([]);
  });
  const build = (dockerfile: string) => bench.build(dockerfile);
  const put = (path: string, text: string, mode?: number) => bench.put(path, text, mode);
  const files = (result: Awaited<ReturnType<typeof build>>) => bench.files(result);

  describe('bind', () => {
    it('shows the context as root has it, without what is ignored, and leaves no trace', async () => {
      await put('.dockerignore', 'ignored\n');
      await put('ignored', 'x');
      await put('src/a', 'one', 0o640);
      await symlink('a', join(bench.context, 'src/link'));
      const result = await build(
        `${BASE}\nUSER root\nRUN --mount=target=/made/src cd /made/src && find . | sort && stat -c '%a %u:%g' src/a && cat src/link && ! touch x 2>/dev/null\n`,
      );
      expect(output(result)).toBe('.\n./.dockerignore\n./src\n./src/a\n./src/link\n640 0:0\none');
      expect(result.steps[0]?.layer).toBeUndefined();
    });

    it('shows a single file, at a place relative to WORKDIR', async () => {
      await put('sub/f', 'hello');
      const result = await build(`${BASE}\nWORKDIR /w\nRUN --mount=source=sub/f,target=in/f cat /w/in/f > /w/out\n`);
      expect(await files(result)).toEqual({ w: 'folder 755 0:0', 'w/out': 'file 644 0:0 "hello"' });
    });

    it('throws away what is written to it, of a folder as of a file', async () => {
      await put('d/f', 'old');
      const dockerfile = `${BASE}\nRUN --mount=source=d,target=/d,rw --mount=source=d/f,target=/f,rw echo new > /d/f; echo x > /d/x; echo y > /f; cat /d/f /d/x /f\n`;
      const result = await build(dockerfile);
      expect(output(result)).toBe('new\nx\ny\n');
      expect(result.steps[0]?.layer).toBeUndefined();
      expect(output(await build(`${BASE}\nRUN --mount=source=d,target=/d cat /d/f; ls /d\n`))).toBe('oldf\n');
    });

    it('has room for another mount in it, though it is read-only', async () => {
      await put('f', 'x');
      const result = await build(
        `${BASE}\nRUN --mount=target=/src --mount=type=tmpfs,target=/src/cache/t --mount=type=bind,source=f,target=/src/g echo y > /src/cache/t/z; ls /src; cat /src/g; ! touch /src/h 2>/dev/null\n`,
      );
      expect(output(result)).toBe('cache\nf\ng\nx');
    });

    it('takes a path of a stage or an image, links followed inside it', async () => {
      const result = await build(
        `${BASE} AS made\nRUN mkdir -p /opt/v1 && echo one > /opt/v1/f && ln -s /opt/v1 /opt/current\n${BASE}\nRUN --mount=from=made,source=/opt/current,target=/m --mount=from=${OWN}/base:1,source=etc/passwd,target=/p cat /m/f && head -1 /p && ! touch /m/x 2>/dev/null\nRUN --mount=from=made,source=/opt,target=/m,rw touch /m/x && ls /m\n`,
      );
      expect(output(result)).toBe('one\nroot:x:0:0:root:/root:/bin/sh\ncurrent\nv1\nx\n');
      expect(await files(result)).toEqual({});
    });

    it('takes a named context: its files by its own rules, or an image', async () => {
      await put('named/f', 'named');
      await put('named/ignored', 'x');
      await put('named/.dockerignore', 'ignored\n');
      const contexts = {
        other: { kind: 'folder' as const, path: join(bench.context, 'named') },
        tools: { kind: 'image' as const, reference: `${OWN}/base:1` },
      };
      const dockerfile = `${BASE}\nRUN --mount=from=other,target=/m --mount=from=tools,source=etc/group,target=/g cat /m/f; ls -A /m; head -1 /g`;
      const result = await bench.build(dockerfile, { contexts });
      expect(output(result)).toBe('named.dockerignore\nf\nroot:x:0:\n');
      await put('named/ignored', 'y');
      expect(statuses(await bench.build(dockerfile, { contexts }))).toEqual(['cached']);
      await put('named/f', 'changed');
      expect(statuses(await bench.build(dockerfile, { contexts }))).toEqual(['ran']);
    });

    it('cannot be led out of a context by its links', async () => {
      await symlink('/etc', join(bench.context, 'out'));
      await symlink('../../../../etc/passwd', join(bench.context, 'passwd'));
      await expect(build(`${BASE}\nRUN --mount=source=out,target=/m ls /m\n`)).rejects.toMatchObject({
        code: 'not-found',
        message: 'RUN --mount failed: "/out": not found',
      });
      await expect(build(`${BASE}\nRUN --mount=source=passwd,target=/m cat /m\n`)).rejects.toMatchObject({
        code: 'not-found',
      });
    });

    it('says which rule hides what it should show, and what may have been meant', async () => {
      await put('.dockerignore', 'secret*\n');
      await put('secret.txt', 'x');
      await put('Readme.md', 'x');
      await expect(build(`${BASE}\nRUN --mount=source=secret.txt,target=/m true\n`)).rejects.toMatchObject({
        hint: expect.stringContaining('.dockerignore:1 excludes it'),
        place: { ranges: [{ line: 2, column: 13 }] },
      });
      await expect(build(`${BASE}\nRUN --mount=source=readme.md,target=/m true\n`)).rejects.toMatchObject({
        hint: 'Did you mean Readme.md?',
      });
    });

    it('runs again when its content changes, and says which file; not when another file or a time does', async () => {
      await put('src/a', 'one');
      const dockerfile = `${BASE}\nRUN --mount=source=src,target=/src cat /src/a > /a\n`;
      expect(statuses(await build(dockerfile))).toEqual(['ran']);
      await put('other', 'x');
      await put('src/a', 'one');
      expect(statuses(await build(dockerfile))).toEqual(['cached']);
      await put('src/a', 'two');
      const again = await build(dockerfile);
      expect(again.steps[0]).toMatchObject({ status: 'ran', reason: expect.stringContaining('src/a') });
      await put('src/a', 'two', 0o755);
      expect(statuses(await build(dockerfile))).toEqual(['ran']);
    });

    it('does not run again when a stage gave another result with the same files at the mounted path', async () => {
      const dockerfile = (noise: string) =>
        `${BASE} AS made\nRUN echo ${noise} > /noise; mkdir /out; echo same > /out/f\n${BASE}\nRUN --mount=from=made,source=/out,target=/m cat /m/f > /copy\n`;
      await build(dockerfile('one'));
      const second = await build(dockerfile('two'));
      expect(statuses(second)).toEqual(['cached']);
      expect(second.events.some((event) => event.kind === 'end' && event.reason !== undefined)).toBe(true);
      expect(statuses(await build(dockerfile('two')))).toEqual(['cached']);
      expect(statuses(await build(dockerfile('two').replace('same', 'other')))).toEqual(['ran']);
    });
  });

  it('gives a tmpfs the mode of what it covers and the size it asks for', async () => {
    const result = await build(
      `${BASE}\nRUN mkdir -m 750 /have\nRUN --mount=type=tmpfs,target=/new --mount=type=tmpfs,target=/have,size=1m stat -c '%a' /new /have && ! dd if=/dev/zero of=/have/f bs=64k count=32 2>/dev/null; echo x > /new/f\n`,
    );
    expect(output(result)).toBe('1777\n750\n');
    expect(await files(result)).toEqual({ have: 'folder 750 0:0' });
  });

  it('says where nothing can be mounted', async () => {
    await put('f', 'x');
    await expect(build(`${BASE}\nRUN --mount=source=f,target=/etc true\n`)).rejects.toMatchObject({
      message: 'nothing can be mounted at /etc: not a directory',
      place: { ranges: [{ line: 2 }] },
    });
    await expect(build(`${BASE}\nRUN --mount=type=tmpfs,target=/proc/x true\n`)).rejects.toMatchObject({
      message: expect.stringMatching(/^nothing can be mounted at \/proc\/x: /),
      place: { ranges: [{ line: 2 }] },
    });
  });

  it('gives /dev/shm another size, and no other mode', async () => {
    const result = await build(
      `${BASE}\nRUN --mount=type=tmpfs,target=/dev/shm,size=128m stat -c %a /dev/shm; mount | grep -c "/dev/shm .*size=131072k"\n`,
    );
    expect(output(result)).toBe('1777\n1\n');
  });

  it('mounts a cache in a cache, also in two commands at once', async () => {
    const stage = (name: string) =>
      `${BASE} AS ${name}\nRUN --mount=type=cache,target=/x/y --mount=type=cache,target=/x/y/z echo ${name} > /${name}\n`;
    const result = await build(`${stage('a')}${stage('b')}${BASE}\nCOPY --from=a /a /\nCOPY --from=b /b /\n`);
    expect(Object.keys(await files(result))).toEqual(['a', 'b']);
  });

  it('removes what only stood on the way to a mount, even when the command touched it', async () => {
    const result = await build(
      `${BASE}\nRUN --mount=type=tmpfs,target=/on/the/way touch /on/the/x /on/y && rm /on/the/x\nRUN --mount=type=tmpfs,target=/home/app/t touch /home/app/x && rm /home/app/x\n`,
    );
    expect(await files(result)).toEqual({ on: 'folder 755 0:0', 'on/y': 'file 644 0:0 ""' });
  });

  it.each(['fails', 'is cancelled'])('leaves nothing mounted, leased or listening when the command %s', async (end) => {
    await put('f', 'x');
    const flags = [
      'target=/src,rw',
      'from=made,source=/out,target=/out,rw',
      'type=cache,id=all,sharing=locked,target=/c',
    ]
      .concat(['type=cache,id=all,source=sel,target=/sel', 'type=tmpfs,target=/t', 'type=secret,id=s', 'type=ssh'])
      .map((options) => `--mount=${options}`);
    const stop = new AbortController();
    const building = bench.build(
      `${BASE} AS made\nRUN mkdir -p /out\n${BASE}\nRUN --mount=type=cache,id=all,target=/c mkdir -p /c/sel\nRUN ${flags.join(' ')} echo up; ${end === 'fails' ? 'exit 3' : 'sleep 60'}`,
      {
        secret: async () => Buffer.from('the secret'),
        ssh: () => '/run/nobody-listens',
        onEvent: (event) => {
          if (event.kind === 'output' && end !== 'fails') stop.abort();
        },
      },
      stop.signal,
    );
    await expect(building).rejects.toMatchObject({ code: end === 'fails' ? 'failed' : 'cancelled' });
  });
});
