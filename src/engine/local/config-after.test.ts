import { expect, it } from 'vitest';
import type { ImageConfig } from '../../images/config.ts';
import { digestOf } from '../../images/digest.ts';
import { configAfter } from './config-after.ts';

const [a, b, c] = ['a', 'b', 'c'].map((text) => digestOf(text));
const diffIDs = [a, b, c].filter((digest) => digest !== undefined);

const image: ImageConfig = {
  os: 'linux',
  architecture: 'amd64',
  created: '2024-01-03T00:00:00Z',
  config: { User: 'app', WorkingDir: '/srv', Cmd: ['serve'], Entrypoint: ['tini', '--'], Env: ['A=1'] },
  rootfs: { type: 'layers', diff_ids: diffIDs },
  history: [
    { created: '2024-01-01T00:00:00Z', created_by: '/bin/sh -c #(nop) ADD file:1 in / ' },
    { created: '2024-01-01T00:00:00Z', created_by: '/bin/sh -c #(nop)  CMD ["bash" "-l"]', empty_layer: true },
    { created: '2024-01-02T00:00:00Z', created_by: 'RUN /bin/sh -c make # buildkit' },
    { created: '2024-01-02T00:00:00Z', created_by: 'WORKDIR /srv' },
    { created: '2024-01-03T00:00:00Z', created_by: 'USER app', empty_layer: true },
    { created: '2024-01-03T00:00:00Z', created_by: 'ENTRYPOINT ["tini" "--"]', empty_layer: true },
    { created: '2024-01-03T00:00:00Z', created_by: 'CMD ["serve"]', empty_layer: true },
  ],
};

it('takes back what later instructions have set: to what an earlier one had set, or to nothing', () => {
  const after = configAfter(image, 2);
  expect(after.config).toEqual({ Cmd: ['bash', '-l'], Env: ['A=1'] });
  expect(after.rootfs.diff_ids).toEqual([a, b]);
  expect(after.history).toHaveLength(3);
  expect(after.created).toBe('2024-01-02T00:00:00Z');
});

it('takes variables back, too', () => {
  const history = [
    { created_by: 'ENV PATH=/bin LANG=C' },
    { created_by: 'ENV A=1 B=two words', empty_layer: true },
    { created_by: '/bin/sh -c #(nop)  ENV LANG=C.UTF-8 B=3', empty_layer: true },
    { created_by: 'COPY x /' },
  ];
  const env = { ...image, history, config: { Env: ['PATH=/bin', 'LANG=C.UTF-8', 'A=1', 'B=3', 'OTHER=o'] } };
  expect(configAfter(env, 1).config).toEqual({ Env: ['PATH=/bin', 'LANG=C', 'OTHER=o'] });
  expect(configAfter(env, 2).config).toEqual(env.config);
});

it('keeps what the entry that made the layer has set itself', () => {
  expect(configAfter(image, 3).config).toEqual({ WorkingDir: '/srv', Cmd: ['bash', '-l'], Env: ['A=1'] });
});

it('is the image itself after its last entry', () => {
  const whole = { ...image, history: image.history?.slice(0, 4) ?? [] };
  expect(configAfter(whole, 3)).toBe(whole);
});

it('cuts the layers of an image without history, and knows no better than its config', () => {
  const { history: _, ...flat } = image;
  const after = configAfter(flat, 1);
  expect(after.rootfs.diff_ids).toEqual([a]);
  expect(after.config).toEqual(image.config);
});
