import type { Config } from '../config.ts';
import type { ContainerRuntime } from '../containers/container.ts';
import type { GitLimits } from '../engine/sources/git-limits.ts';
import { GitSandbox } from '../engine/sources/git-sandbox.ts';
import { isPublicAddress } from '../images/remote/address-guard.ts';
import type { AddressRules } from '../images/remote/hosts.ts';

/** Where what a build names may lie: names come from whoever may submit, so this machine's own network is out of reach. */
export function addressesOfBuilds(config: Config): AddressRules {
  return { allowAddress: isPublicAddress, isNamed: (host) => config.fetch.allowHosts.includes(host) };
}

export function gitLimits({ fetch }: Config): GitLimits {
  return { maxBytes: fetch.gitMaxBytes, maxOutputBytes: fetch.gitMaxOutputBytes, maxSeconds: fetch.gitMaxSeconds };
}

/** git for the sources of builds. */
export function gitOfBuilds(runtime: ContainerRuntime, config: Config): GitSandbox {
  return new GitSandbox(runtime, addressesOfBuilds(config), gitLimits(config));
}
