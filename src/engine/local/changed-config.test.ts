import { expect, it } from 'vitest';
import { changedConfig } from './changed-config.ts';

const platform = { os: 'linux', architecture: 'amd64' };

it('reads --change as lines of a Dockerfile, on top of what the container was', () => {
  const config = { Env: ['PATH=/bin', 'A=1'], Cmd: ['sh'], OnBuild: ['RUN x'], User: 'app' };
  expect(changedConfig(config, ['CMD ["/bin/ls"]', 'ENV A=2 B=3', 'ONBUILD RUN y', 'EXPOSE 80'], platform)).toEqual({
    Env: ['PATH=/bin', 'A=2', 'B=3'],
    Cmd: ['/bin/ls'],
    OnBuild: ['RUN x', 'RUN y'],
    User: 'app',
    ExposedPorts: { '80/tcp': {} },
  });
});

it('adds nothing that nobody asked for', () => {
  expect(changedConfig({}, ['ENV A=b', 'CMD /x'], platform)).toEqual({ Env: ['A=b'], Cmd: ['/bin/sh', '-c', '/x'] });
  expect(changedConfig({ User: 'x' }, [], platform)).toEqual({ User: 'x' });
});

it("refuses what would make a layer, in docker's words", () => {
  expect(() => changedConfig({}, ['RUN x'], platform)).toThrow('run is not a valid change command');
  expect(() => changedConfig({}, ['FROM x'], platform)).toThrow('from is not a valid change command');
});
