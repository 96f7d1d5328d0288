import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lesson } from './lessons.ts';

/** Columns that don't depend on how fast a machine is. */
const PS = "ps --all --format '{{.Names}} {{.Image}} {{.Command}} {{.Status}}'";

/** What a container's end is for the one who waits for it. */
const ends: Lesson = {
  name: 'ends',
  async go(talk) {
    await talk.docker('pull busybox');
    await talk.docker('run --rm busybox true');
    await talk.docker("run --rm busybox sh -c 'echo out; echo err >&2; exit 7'");
    await talk.docker('run --rm --no-such-flag busybox true');
    await talk.docker('run --rm busybox /etc');
    await talk.docker('run --rm busybox no-such-program');
    await talk.docker('run --rm busybox sh -c \'kill -9 $$; sh -c "kill -9 \\$\\$"; echo $?\'');
    await talk.docker('run --rm -i busybox cat', 'typed\n');
    await talk.docker(
      "run --rm -i busybox sh -c 'read line; echo got $line; cat | wc -c'",
      `one\n${'x'.repeat(70_000)}`,
    );
    await talk.docker('run --rm --entrypoint echo busybox -n hello');
    await talk.docker(
      "run --rm -w /var/new -u 1000:33 -e A=1 --hostname box busybox sh -c 'pwd; id; hostname; echo $A $HOME'",
    );
    await talk.docker(
      "run --rm --read-only --tmpfs /scratch busybox sh -c 'touch /x; echo $?; touch /scratch/x; echo $?'",
    );
    await talk.docker('run --rm --network none busybox ip -o -4 addr');
    await talk.docker('run --rm -u nobody-here busybox true');
    await talk.docker('run --name twice busybox true');
    await talk.docker('run --name twice busybox true');
    await talk.docker('rm twice');
    await talk.docker('rm twice');
  },
};

/** The life of a container that goes on by itself. */
const life: Lesson = {
  name: 'life',
  async go(talk) {
    await talk.docker('pull busybox');
    await talk.docker("run -d --name worker busybox sh -c 'echo begun; sleep 0.2; echo oops >&2; sleep 1000'");
    await talk.docker(PS);
    await talk.docker('exec worker sleep 0.5');
    await talk.docker('logs worker');
    await talk.docker('logs --tail 1 worker');
    await talk.docker('exec worker echo hello');
    await talk.docker("exec -i -w /tmp -e A=b worker sh -c 'pwd; echo $A; cat; exit 5'", 'typed\n');
    await talk.docker('exec worker no-such-program');
    await talk.docker('rm worker');
    await talk.docker('pause worker');
    await talk.docker('exec worker true');
    await talk.docker('unpause worker');
    await talk.docker('kill --signal=USR9 worker');
    await talk.docker('kill worker');
    await talk.docker('wait worker');
    await talk.docker('kill worker');
    await talk.docker(PS);
    await talk.docker(
      "inspect --format '{{.State.Status}} {{.State.ExitCode}} {{.State.Running}} {{.Path}} {{.Args}}' worker",
    );
    await talk.docker('start worker');
    await talk.docker('stop -t 0 worker');
    await talk.docker('exec worker true');
    await talk.docker('rename worker other');
    await talk.docker('rm -f other');
    await talk.docker('rm -f other');
    await talk.docker('inspect other');
    await talk.docker("create --name made -e A=1 busybox sh -c 'echo $A'");
    await talk.docker(PS);
    await talk.docker('start -a made');
    await talk.docker('container prune -f');
    await talk.docker('volume create kept');
    await talk.docker("run --rm -v kept:/kept busybox sh -c 'echo here > /kept/file'");
    await talk.docker('run --rm -v kept:/kept:ro busybox cat /kept/file');
    await talk.docker('run --rm -v kept:/kept:ro busybox touch /kept/file');
    await talk.docker('volume ls');
    await talk.docker('volume rm kept');
    await talk.docker('volume rm kept');
  },
};

/** Files of a container, and an image made of them. */
const files: Lesson = {
  name: 'files',
  async go(talk, { example }) {
    const folder = join(example, 'files');
    await mkdir(join(folder, 'tree/deep'), { recursive: true });
    await writeFile(join(folder, 'note'), 'a note\n', { mode: 0o640 });
    await writeFile(join(folder, 'tree/deep/leaf'), 'leaf\n');
    talk.cwd = folder;
    await talk.docker('pull busybox');
    const change =
      'mkdir /made; echo x > /made/a; ln -s a /made/l; chmod 600 /etc/passwd; rm /bin/vi; mkdir -p /tmp/gone; rm -r /usr';
    await talk.docker(`run --name work busybox sh -c '${change}'`);
    await talk.docker('diff work');
    await talk.docker('cp note work:/made/');
    await talk.docker('cp note work:/made/renamed');
    await talk.docker('cp tree work:/made');
    await talk.docker('cp tree/. work:/made/into');
    await talk.docker('cp note work:/nowhere/deep/note');
    await talk.docker('cp work:/no/such/file .');
    await talk.docker('cp work:/made/tree copied');
    await talk.docker('cp work:/made/l followed');
    await talk.docker('cp --follow-link work:/made/l followed');
    await talk.docker('cp nowhere work:/made');
    await talk.docker('cp note work:/made/tree/deep/leaf/under');
    await talk.docker('diff work');
    await talk.docker(
      'commit --message words --author \'Me <me@example.com>\' --change \'CMD ["ls", "-R", "/made"]\' --change \'ENV A=b\' work made:1',
    );
    await talk.docker('run --rm made:1');
    await talk.docker("run --rm made:1 sh -c 'echo $A; ls /bin/vi /usr; stat -c %a /etc/passwd; cat /made/renamed'");
    await talk.docker(
      "image inspect --format '{{json .Config.Cmd}} {{.Author}} {{.Comment}} {{len .RootFS.Layers}}' made:1",
    );
    await talk.docker('history made:1');
    await talk.docker('image rm busybox');
    await talk.docker('rm work');
    await talk.docker('image rm busybox');
    await talk.docker('tag made:1 other:2');
    await talk.docker('save --output both.tar made:1 other:2');
    await talk.docker('image rm made:1 other:2');
    await talk.docker('load --input both.tar');
    await talk.docker('load --quiet --input note');
    await talk.docker("images --format '{{.Repository}}:{{.Tag}}' made");
    await talk.docker('run --rm other:2 cat /made/note');
    await talk.docker('diff work');
    await talk.docker('image inspect nothing:here');
    await talk.docker('tag nothing:here some:where');
    await talk.docker('image rm nothing:here');
    await talk.docker('image prune --force');
  },
};

/** Commands beside those of the lessons, whose answers are looked at in the same way; they build nothing. */
export const commandLessons: readonly Lesson[] = [ends, life, files];
