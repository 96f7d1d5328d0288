import { Problem } from '../../lib/problem.ts';
import type { ConnectedRepositories } from '../sources/source-deps.ts';
import type { RepositoryAddress } from './commit-reader.ts';
import type { TriggerRecord } from './triggers.ts';

/** A repository that a trigger names. */
export interface TriggerSource {
  address: RepositoryAddress;
  /** Resource name, where it is linked by a connection. */
  connected?: string | undefined;
  /** What the trigger itself names of it. */
  ref?: string | undefined;
}

/** Where triggers find their sources and their configs. */
export class TriggerSources {
  readonly #repositories: ConnectedRepositories;

  constructor(repositories: ConnectedRepositories) {
    this.#repositories = repositories;
  }

  /** What is built; undefined for a trigger without a repository. @throws Problem `not-found`, `unsupported` */
  async ofTrigger({ project, trigger }: TriggerRecord): Promise<TriggerSource | undefined> {
    const { repositoryEventConfig, sourceToBuild, github, triggerTemplate } = trigger;
    if (repositoryEventConfig?.repository !== undefined)
      return this.#connected(project, repositoryEventConfig.repository);
    if (sourceToBuild !== undefined) {
      const { repository, uri, ref } = sourceToBuild;
      if (repository !== undefined) return { ...(await this.#connected(project, repository)), ref };
      if (uri !== undefined) return { address: { url: gitAddress(uri) }, ref };
    }
    if (github?.owner !== undefined && github.name !== undefined)
      return { address: { url: `https://github.com/${github.owner}/${github.name}.git` } };
    if (triggerTemplate !== undefined) {
      const name = triggerTemplate.repoName ?? 'default';
      const found = await this.#repositories.resolveRepository(project, name);
      if (found !== undefined) return { address: found };
      throw new Problem(
        'unsupported',
        `Cloud Source Repositories are not served, and no repository is linked as ${name}`,
        {
          hint: 'Link the repository (gcloud builds repositories create), or give the trigger sourceToBuild.uri.',
        },
      );
    }
    return undefined;
  }

  /** Where the config is when that is another repository, or another place of it, than what is built. */
  async ofConfig(
    { project, trigger }: TriggerRecord,
    source: TriggerSource | undefined,
  ): Promise<TriggerSource | undefined> {
    const { gitFileSource } = trigger;
    if (gitFileSource === undefined) return undefined;
    const { repository, uri, revision } = gitFileSource;
    const named = repository !== undefined || uri !== undefined;
    const same =
      !named ||
      (repository === undefined ? gitAddress(uri ?? '') === source?.address.url : repository === source?.connected);
    // the trigger's own branch means the commit that is built, whichever that is this time
    if (same && source !== undefined && (revision === undefined || revision === '' || revision === source.ref))
      return undefined;
    if (repository !== undefined) return { ...(await this.#connected(project, repository)), ref: revision };
    if (uri !== undefined) return { address: { url: gitAddress(uri) }, ref: revision };
    if (source === undefined)
      throw new Problem('invalid', `gitFileSource.path ${gitFileSource.path}: the trigger names no repository`);
    return { ...source, ref: revision };
  }

  async #connected(project: string, name: string): Promise<TriggerSource> {
    const address = await this.#repositories.resolveRepository(project, name);
    if (address !== undefined) return { address, connected: name };
    throw new Problem('not-found', `no repository is linked as ${name}`, {
      hint: 'gcloud builds repositories create R --connection=C --region=L --remote-uri=URL links it.',
    });
  }
}

/** As people write it: github.com/o/r without https://. */
function gitAddress(uri: string): string {
  return /^[a-z+]+:\/\/|@/.test(uri) ? uri : `https://${uri}`;
}
