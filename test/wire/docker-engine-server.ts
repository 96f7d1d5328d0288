import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type RunOptions, type RunResult, run, runOk } from '../../src/lib/run.ts';
import { type DockerClient, dockerClients } from './docker-lessons/docker-clients.ts';
import { missingForBuilds, type ServerOptions, TestServer } from './server.ts';

const APPLETS = ['sh', 'ls', 'true', 'cat', 'echo', 'sleep', 'kill', 'touch', 'id', 'rm', 'mkdir', 'seq', 'stat', 'dd'];

/** Why containers can't be run by docker's clients here; empty when they can. */
export const lacksDocker = `${await missingForBuilds()}${dockerClients.length === 0 ? ': no docker' : ''}`;

/** A server with an image of busybox, and docker's clients pointed at it. */
export class DockerEngineServer {
  readonly server: TestServer;
  /** `box:1`: busybox, nothing else. */
  readonly image = 'box:1';

  private constructor(server: TestServer) {
    this.server = server;
  }

  static async start(options: ServerOptions = {}): Promise<DockerEngineServer> {
    const made = new DockerEngineServer(await TestServer.start(options));
    const [client] = dockerClients;
    if (client === undefined) throw new Error('no docker');
    const tree = join(made.server.folder, 'tree');
    await mkdir(join(tree, 'bin'), { recursive: true });
    await mkdir(join(tree, 'etc'));
    await mkdir(join(tree, 'tmp'), { mode: 0o1777 });
    await copyFile('/bin/busybox', join(tree, 'bin/busybox'));
    for (const applet of APPLETS) await symlink('busybox', join(tree, 'bin', applet));
    await writeFile(join(tree, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
    await runOk('tar', ['-C', tree, '-cf', made.archive, '.']);
    await made.ok(client, 'import', '-c', 'CMD ["sh"]', '-c', 'ENV PATH=/bin', made.archive, made.image);
    return made;
  }

  /** A tar of the image's files. */
  get archive(): string {
    return join(this.server.folder, 'tree.tar');
  }

  get socket(): string {
    return join(this.server.data, 'docker.sock');
  }

  /** Any exit code. */
  docker(client: DockerClient, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const env = {
      PATH: process.env['PATH'],
      DOCKER_HOST: `unix://${this.socket}`,
      DOCKER_CONFIG: this.server.folder,
      ...options.env,
    };
    return run(client.path, [...args], { timeout: 60_000, ...options, env });
  }

  /** Its standard output, trimmed. */
  async ok(client: DockerClient, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.docker(client, args);
    if (code !== 0) throw new Error(`docker ${args.join(' ')}: exit ${code}\n${stdout}${stderr}`);
    return stdout.trim();
  }

  close(): Promise<void> {
    return this.server.close();
  }
}
