// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Dockerfiles write their variables like this
import { describe, expect, it } from 'vitest';
import { compile, operations } from '../../test/suites/compile-dockerfile.ts';

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

describe('ENV and ARG', () => {
  it('shows all pairs of one ENV the environment from before it', () => {
    const { program } = compile('FROM a\nENV A=1\nENV A=2 B=$A\nENV C=$A');
    expect(program.config.Env).toEqual([PATH, 'A=2', 'B=1', 'C=2']);
  });

  it('reads the old form as one pair, the rest of the line being the value', () => {
    const { program } = compile('FROM a\nENV GREETING hello  big world');
    expect(program.config.Env).toContain('GREETING=hello  big world');
    expect(program.warnings.map((warning) => warning.rule)).toEqual(['LegacyKeyValueFormat']);
  });

  it('keeps the place of a variable of the base that is set again', () => {
    const { program } = compile('FROM a\nENV PATH=/x:$PATH', { base: { Env: ['PATH=/bin', 'LANG=C'] } });
    expect(program.config.Env).toEqual(['PATH=/x:/bin', 'LANG=C']);
  });

  it('prefers ENV to ARG, whichever came first', () => {
    const file = 'FROM a\nENV V=env\nARG V=arg\nRUN x\nARG W=arg\nENV W=env\nWORKDIR /$V/$W';
    const compiled = compile(file, { buildArgs: { V: 'given', W: 'given' } });
    expect(compiled.program.config.WorkingDir).toBe('/env/env');
    expect(operations(compiled, 'run')[0]?.env).toEqual([PATH, 'V=env']);
    expect(operations(compiled, 'run')[0]?.argsUsed).toEqual({});
  });

  it('keeps ARGs out of the image and gives them to RUN', () => {
    const compiled = compile('FROM a\nRUN before\nARG V=1 W\nRUN after', { buildArgs: { V: '2' } });
    expect(compiled.program.config.Env).toEqual([PATH]);
    expect(operations(compiled, 'run').map((run) => run.argsUsed)).toEqual([{}, { V: '2' }]);
    expect(operations(compiled, 'run')[1]?.env).toEqual([PATH, 'V=2']);
    expect(compiled.program.history.map((entry) => entry.createdBy)).toEqual([
      'RUN /bin/sh -c before',
      'ARG V=1 W',
      'RUN |2 V=2 W= /bin/sh -c after',
    ]);
  });

  it('shows a global ARG only to a stage that declares it again', () => {
    const file = 'ARG V=1\nFROM a AS x\nENV SEEN=$V\nFROM a\nARG V\nENV SEEN=$V';
    expect(compile(file).program.config.Env).toContain('SEEN=1');
    const { program } = compile(file, { target: 'x' });
    expect(program.config.Env).toContain('SEEN=');
    expect(program.warnings[0]?.fix?.text).toContain('repeat it in this stage');
    expect(compile(file, { buildArgs: { V: '2' } }).program.config.Env).toContain('SEEN=2');
  });

  it('hands ARGs on to a stage FROM this one, and not to others', () => {
    const file = 'FROM a AS one\nARG V=1\nFROM one\nENV SEEN=$V';
    expect(compile(file).program.config.Env).toContain('SEEN=1');
    expect(compile('FROM a AS one\nARG V=1\nFROM a\nENV SEEN=$V').program.config.Env).toContain('SEEN=');
  });

  it('keeps undeclared proxy settings apart from what makes the key', () => {
    const buildArgs = { http_proxy: 'http://p:1', HTTPS_PROXY: 'http://p:2', OTHER: 'x' };
    const [run] = operations(compile('FROM a\nARG HTTPS_PROXY\nRUN x', { buildArgs }), 'run');
    expect(run?.proxyEnv).toEqual(['http_proxy=http://p:1']);
    expect(run?.env).toEqual([PATH, 'HTTPS_PROXY=http://p:2']);
  });

  it('gives the platform arguments to who asks for them', () => {
    const arm = { os: 'linux', architecture: 'arm', variant: 'v7' };
    const file =
      'FROM --platform=$BUILDPLATFORM a AS build\nARG TARGETPLATFORM TARGETVARIANT TARGETSTAGE\nENV T=$TARGETPLATFORM,$TARGETVARIANT,$TARGETSTAGE N=$TARGETOS';
    const { program, plan } = compile(file, { targetPlatform: arm });
    expect(program.config.Env).toEqual(expect.arrayContaining(['T=linux/arm/v7,v7,build', 'N=']));
    expect(plan.stages[0]?.platform).toEqual({ os: 'linux', architecture: 'amd64' });
  });

  it('remarks on a variable that nobody set, with its place and a guess', () => {
    const { program } = compile('FROM a\nENV TARGET=/srv\nWORKDIR $TARGTE/x');
    expect(program.warnings).toMatchObject([
      {
        rule: 'UndefinedVar',
        message: "Usage of undefined variable '$TARGTE' (did you mean $TARGET?)",
        place: { file: 'Dockerfile', ranges: [{ line: 3, column: 9, endColumn: 16 }] },
      },
    ]);
    expect(compile('FROM a\nENV L=/x:$L M=${M:-y}\nARG N\nENV O=$N').program.warnings).toEqual([]);
  });
});

describe('RUN', () => {
  it('wraps the shell form in the SHELL of that moment and leaves the exec form alone', () => {
    const compiled = compile('FROM a\nRUN echo "$X"\nSHELL ["/bin/bash", "-ec"]\nRUN echo\nRUN ["echo", "$X"]');
    expect(operations(compiled, 'run').map((run) => run.args)).toEqual([
      ['/bin/sh', '-c', 'echo "$X"'],
      ['/bin/bash', '-ec', 'echo'],
      ['echo', '$X'],
    ]);
    expect(compiled.program.config.Shell).toEqual(['/bin/bash', '-ec']);
  });

  it('knows the folder and the user of that moment', () => {
    const compiled = compile('FROM a\nRUN x\nWORKDIR /srv\nWORKDIR app/../api\nUSER web:web\nRUN x', {
      base: { WorkingDir: '/home', User: 'root' },
    });
    expect(operations(compiled, 'run').map(({ cwd, user }) => [cwd, user])).toEqual([
      ['/home', 'root'],
      ['/srv/api', 'web:web'],
    ]);
  });

  it('runs the body of a lone here-document as the script', () => {
    const compiled = compile('FROM a\nRUN <<-EOF\n\tset -e\n\techo $X\nEOF\nRUN cat <<A <<"B" > /x\na\nA\nb\nB\n');
    const [lone, several] = operations(compiled, 'run');
    expect(lone?.args).toEqual(['/bin/sh', '-c', 'set -e\necho $X\n']);
    expect(lone?.text).toBe('RUN <<-EOF (set -e...)');
    expect(several?.args[2]).toBe('cat <<A <<"B" > /x\na\nA\nb\nB');
  });

  it('honours the interpreter that a script names, and tells scripts apart by their path', () => {
    const script = (body: string) =>
      operations(compile(`FROM a\nRUN <<EOF\n#!/usr/bin/env python3\n${body}\nEOF`), 'run')[0];
    const one = script('print(1)');
    expect(one?.script?.content).toBe('#!/usr/bin/env python3\nprint(1)\n');
    expect(one?.args).toEqual([one?.script?.path]);
    expect(one?.args).not.toEqual(script('print(2)')?.args);
  });

  it('reads mounts, with their keys in the long form', () => {
    const file = `FROM a AS deps
FROM a
ARG ID=pip
RUN --mount=type=cache,id=$ID,dst=/root/.cache,sharing=locked --mount=from=deps,src=/x,target=/y,rw \\
    --mount=type=secret,id=token,required --network=none --security=insecure pip install`;
    const [run] = operations(compile(file), 'run');
    expect(run?.mounts.map(({ place, ...mount }) => [place.ranges[0]?.line, mount])).toEqual([
      [4, { type: 'cache', target: '/root/.cache', id: '/pip', sharing: 'locked', source: '', readonly: false }],
      [4, { type: 'bind', target: '/y', from: { kind: 'stage', index: 0 }, source: 'x', readonly: false }],
      [
        5,
        {
          type: 'secret',
          id: 'token',
          target: '/run/secrets/token',
          required: true,
          owner: { mode: 0o400, uid: 0, gid: 0 },
        },
      ],
    ]);
    expect([run?.network, run?.security]).toEqual(['none', 'insecure']);
  });
});

describe('COPY and ADD', () => {
  const copy = (line: string, before = '') => operations(compile(`FROM a AS b\n${before}\n${line}`), 'copy')[0];

  it.each<[line: string, sources: string[], destination: string, intoFolder: boolean]>([
    ['COPY a /b', ['a'], '/b', false],
    ['COPY . .', ['.'], '/srv', true],
    ['COPY ./a/ /b/', ['a'], '/b', true],
    ['COPY /a ../../b c/', ['a', 'b'], '/srv/c', true],
    ['COPY a ..', ['a'], '/', true],
    ['COPY ["with blank", "/x y"]', ['with blank'], '/x y', false],
    ['COPY a b /c', ['a', 'b'], '/c', true],
    ['COPY *.txt "/$NAME/"', ['*.txt'], '/api', true],
    ['COPY --parents ./x/./y/*.c /z/', ['x/./y/*.c'], '/z', true],
  ])('%s', (line, sources, destination, intoFolder) => {
    expect(copy(line, 'WORKDIR /srv\nENV NAME=api')).toMatchObject({ sources, destination, intoFolder });
  });

  it('expands flags', () => {
    expect(copy('COPY --chown=$U:$U --chmod=u=rwX,go=rX --link --exclude=*.$X a /', 'ARG U=web X=md')).toMatchObject({
      chown: 'web:web',
      chmod: 'u=rwX,go=rX',
      link: true,
      exclude: ['*.md'],
      from: { kind: 'context' },
    });
  });

  it('makes files of here-documents, expanded unless quoted', () => {
    const lines = 'COPY <<EOF <<\'RAW\' extra /conf/\nname=$NAME "quoted"\nEOF\nname=$NAME\nRAW';
    expect(copy(lines, 'ENV NAME=api')).toMatchObject({
      sources: ['extra'],
      inline: [
        { name: 'EOF', content: 'name=api "quoted"\n' },
        { name: 'RAW', content: 'name=$NAME\n' },
      ],
    });
  });

  it('keeps URLs and repositories as they are', () => {
    const file =
      'FROM a\nADD --checksum=sha256:' +
      'a'.repeat(64) +
      ' https://x.org/a/../b.tar /\nADD --keep-git-dir git@x.org:a/b.git#v1 /src\nADD --unpack=false a.tar /';
    const adds = operations(compile(file), 'add');
    expect(adds.map((add) => add.sources)).toEqual([['https://x.org/a/../b.tar'], ['git@x.org:a/b.git#v1'], ['a.tar']]);
    expect(adds.map((add) => [add.keepGitDir, add.unpack])).toEqual([
      [false, undefined],
      [true, undefined],
      [false, false],
    ]);
  });

  it('remarks when many sources go to what looks like a file', () => {
    const { program } = compile('FROM a\nCOPY a b /c');
    expect(program.warnings.map((warning) => warning.rule)).toEqual(['DestinationNotFolder']);
  });
});

describe('configuration', () => {
  it('takes back an inherited CMD with ENTRYPOINT, and keeps one of its own', () => {
    const base = { Cmd: ['inherited'], Entrypoint: ['old'] };
    expect(compile('FROM a\nENTRYPOINT ["app"]', { base }).program.config.Cmd).toBeUndefined();
    expect(compile('FROM a\nCMD ["own"]\nENTRYPOINT ["app"]', { base }).program.config.Cmd).toEqual(['own']);
    expect(compile('FROM a\nCMD ["own"]', { base }).program.config.Entrypoint).toEqual(['old']);
  });

  it('collects ports, volumes, labels, signal, user and author', () => {
    const file = `FROM a
ARG PORTS="90-92/udp 443"
EXPOSE 80 $PORTS
VOLUME /data /more
VOLUME ["/with blank"]
LABEL a=1 "b c"="2 3" a=4
STOPSIGNAL SIGINT
USER 1000
MAINTAINER Ada <ada@example.com>`;
    const { program } = compile(file, {
      base: { Labels: { kept: 'yes' }, ExposedPorts: { '1/tcp': {} } },
    });
    expect(Object.keys(program.config.ExposedPorts ?? {})).toEqual([
      '1/tcp',
      '80/tcp',
      '90/udp',
      '91/udp',
      '92/udp',
      '443/tcp',
    ]);
    expect(Object.keys(program.config.Volumes ?? {})).toEqual(['/data', '/more', '/with blank']);
    expect(program.config.Labels).toEqual({ kept: 'yes', a: '4', 'b c': '2 3' });
    expect(program.config).toMatchObject({ StopSignal: 'SIGINT', User: '1000' });
    expect(program.author).toBe('Ada <ada@example.com>');
  });

  it('writes health checks in nanoseconds', () => {
    const file =
      'FROM a\nHEALTHCHECK --interval=1m30s --timeout=500ms --start-period=1.5h --start-interval=2s --retries=3 CMD curl localhost';
    expect(compile(file).program.config.Healthcheck).toEqual({
      Test: ['CMD-SHELL', 'curl localhost'],
      Interval: 90e9,
      Timeout: 5e8,
      StartPeriod: 5400e9,
      StartInterval: 2e9,
      Retries: 3,
    });
    expect(compile('FROM a\nHEALTHCHECK CMD ["a", "b"]').program.config.Healthcheck).toEqual({
      Test: ['CMD', 'a', 'b'],
    });
    expect(compile('FROM a\nHEALTHCHECK NONE').program.config.Healthcheck).toEqual({ Test: ['NONE'] });
  });

  it('begins a stage from scratch with a PATH and the root folder', () => {
    expect(compile('FROM scratch').program.config).toEqual({ Env: [PATH], WorkingDir: '/' });
  });

  it('tells the history in BuildKit’s words', () => {
    const file = `FROM a
ENV A=b C="d e"
LABEL x=y
WORKDIR app
COPY --chown=1:2 a.txt sub/ ./
EXPOSE 80
USER web
VOLUME /v
SHELL ["/bin/bash", "-c"]
ENTRYPOINT ["python", "main.py"]
CMD serve --now
STOPSIGNAL 9
ONBUILD RUN make`;
    const { history } = compile(file).program;
    expect(history.map((entry) => entry.createdBy)).toEqual([
      'ENV A=b C=d e',
      'LABEL x=y',
      'WORKDIR /app',
      'COPY --chown=1:2 a.txt sub/ ./',
      'EXPOSE [80/tcp]',
      'USER web',
      'VOLUME [/v]',
      'SHELL [/bin/bash -c]',
      'ENTRYPOINT ["python" "main.py"]',
      'CMD ["/bin/bash" "-c" "serve --now"]',
      'STOPSIGNAL 9',
      'ONBUILD RUN make',
    ]);
    expect(history.map((entry) => entry.operation)).toEqual([undefined, undefined, 0, 1, ...Array(8).fill(undefined)]);
  });
});

describe('ONBUILD', () => {
  it('runs the triggers of the base first and does not pass them on', () => {
    const compiled = compile('FROM a\nRUN own', {
      base: { OnBuild: ['WORKDIR /src', 'COPY . .', 'RUN <<EOF\nmake\nEOF'] },
    });
    expect(compiled.program.operations.map((operation) => operation.text)).toEqual([
      'WORKDIR /src',
      'COPY . .',
      'RUN <<EOF (make...)',
      'RUN own',
    ]);
    expect(compiled.program.config.OnBuild).toBeUndefined();
    expect(compiled.program.operations[0]?.place.ranges[0]?.line).toBe(1);
  });

  it('keeps its own for others, bodies of here-documents included', () => {
    const compiled = compile('FROM a AS b\nONBUILD RUN <<EOF\nmake\nEOF\nFROM b');
    expect(compiled.programs.get(0)?.config.OnBuild).toEqual(['RUN <<EOF\nmake\nEOF']);
    expect(operations(compiled, 'run')[0]?.args).toEqual(['/bin/sh', '-c', 'make\n']);
  });

  it('sees the stages of the file that has the trigger', () => {
    const compiled = compile('FROM a AS built\nFROM b', { base: { OnBuild: ['COPY --from=built /x /x'] } });
    expect(operations(compiled, 'copy')[0]?.from).toEqual({ kind: 'stage', index: 0 });
    expect(compiled.plan.stages.map((stage) => stage.index)).toEqual([1]);
    expect(compiled.plan.spare.map((stage) => stage.index)).toEqual([0]);
  });
});
