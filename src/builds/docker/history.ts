import { shortDigest } from '../../images/digest.ts';
import { formatBytes } from '../../lib/bytes.ts';
import { ago } from './ago.ts';
import type { DockerCommand } from './command.ts';
import { columns } from './table.ts';
import { fillTemplate } from './template.ts';

/** Width of CREATED BY before it is cut, as docker's. */
const CUT = 45;

export const history: DockerCommand = {
  name: 'history',
  usage: '[OPTIONS] IMAGE',
  summary: 'Show the history of an image',
  flags: [
    { name: 'format', takes: 'value' },
    { name: 'human', short: 'H', takes: 'switch' },
    { name: 'no-trunc', takes: 'switch' },
    { name: 'quiet', short: 'q', takes: 'switch' },
    { name: 'platform', takes: 'value' },
  ],
  args: { min: 1, max: 1 },
  async run(flags, docker) {
    const { image, config, layers } = await docker.engine.inspect(flags.args[0] ?? '', docker.caller);
    const whole = flags.on('no-trunc');
    const left = [...layers];
    const rows = (config.history ?? []).map((entry) => {
      const layer = entry.empty_layer ? undefined : left.shift();
      const createdBy = (entry.created_by ?? '').replace(/\s+/g, ' ');
      return {
        ID: '<missing>',
        CreatedSince: ago(entry.created),
        CreatedAt: entry.created ?? '',
        CreatedBy: whole || createdBy.length <= CUT ? createdBy : `${createdBy.slice(0, CUT - 1)}…`,
        Size: layer === undefined ? '0B' : formatBytes(layer.blob.size).replace(' ', ''),
        Comment: entry.comment ?? '',
      };
    });
    rows.reverse();
    const [top] = rows;
    if (top !== undefined) top.ID = whole ? image.id : shortDigest(image.id);
    const format = flags.one('format');
    if (flags.on('quiet')) for (const row of rows) docker.out(row.ID);
    else if (format !== undefined) for (const row of rows) docker.out(fillTemplate(format, row));
    else
      for (const line of columns([
        ['IMAGE', 'CREATED', 'CREATED BY', 'SIZE', 'COMMENT'],
        ...rows.map((row) => [row.ID, row.CreatedSince, row.CreatedBy, row.Size, row.Comment]),
      ]))
        docker.out(line.trimEnd());
    return 0;
  },
};
