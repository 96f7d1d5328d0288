import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { type Digest, digestHex, digestOf } from '../../src/images/digest.ts';
import { MEDIA } from '../../src/images/media-types.ts';
import { hostPlatform } from '../../src/images/platform.ts';
import { readSmall } from '../../src/lib/bytes.ts';
import { runOk } from '../../src/lib/run.ts';

export interface LayoutImage {
  /** Folder of an OCI image layout with this one image, tagged `latest`. */
  layout: string;
  /** Of the manifest. */
  digest: Digest;
}

/** A tiny image, deterministic for its `text`: two layers with a file each. */
export async function writeLayoutImage(layout: string, text: string): Promise<LayoutImage> {
  const layers = [await layer('etc/motd', text), await layer('etc/issue', 'Slipway test image\n')];
  const config = Buffer.from(
    JSON.stringify({
      ...hostPlatform(),
      created: '2026-01-01T00:00:00Z',
      config: { Cmd: ['/bin/true'], Env: ['PATH=/bin'] },
      rootfs: { type: 'layers', diff_ids: layers.map((one) => one.diffID) },
      history: layers.map(() => ({ created: '2026-01-01T00:00:00Z', created_by: 'test' })),
    }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA.ociManifest,
      config: { mediaType: MEDIA.ociConfig, digest: digestOf(config), size: config.length },
      layers: layers.map(({ blob }) => ({
        mediaType: MEDIA.ociLayerGzip,
        digest: digestOf(blob),
        size: blob.length,
      })),
    }),
  );
  const digest = digestOf(manifest);
  const index = {
    schemaVersion: 2,
    manifests: [
      {
        mediaType: MEDIA.ociManifest,
        digest,
        size: manifest.length,
        annotations: { 'org.opencontainers.image.ref.name': 'latest' },
      },
    ],
  };
  const blobs = join(layout, 'blobs', 'sha256');
  await mkdir(blobs, { recursive: true });
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(layout, 'index.json'), JSON.stringify(index));
  for (const bytes of [config, manifest, ...layers.map((one) => one.blob)])
    await writeFile(join(blobs, digestHex(digestOf(bytes))), bytes);
  return { layout, digest };
}

async function layer(name: string, text: string): Promise<{ diffID: Digest; blob: Buffer }> {
  const tar = pack();
  tar.entry({ name, mtime: new Date(0) }, text);
  tar.finalize();
  const bytes = await readSmall(tar.pipe(new PassThrough()), 1 << 20);
  return { diffID: digestOf(bytes), blob: gzipSync(bytes) };
}

/** Whether all of these programs are installed; tests that need one skip by its name otherwise. */
export async function missingPrograms(...programs: string[]): Promise<string[]> {
  const found = await Promise.all(
    programs.map(async (program) => {
      try {
        await runOk('which', [program]);
        return true;
      } catch {
        return false;
      }
    }),
  );
  return programs.filter((_, i) => !found[i]);
}
