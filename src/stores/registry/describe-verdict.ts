import { timestamp } from '../../lib/clock.ts';
import type { CleanupVerdict, KeepReason } from './retention.ts';

/** Why a version goes or stays, in words for a dry run. */
export function describeVerdict({ goes, deletedBy, keptBy }: CleanupVerdict): string {
  const policies = `${deletedBy.length === 1 ? 'policy' : 'policies'} ${deletedBy.join(', ')}`;
  if (goes) return `deleted by ${policies}`;
  const kept = keptBy.map(describeReason).join('; ');
  if (deletedBy.length === 0) return kept === '' ? 'no policy deletes it' : kept;
  return `${kept}, though ${policies} would delete it`;
}

function describeReason(reason: KeepReason): string {
  switch (reason.by) {
    case 'policy':
      return `kept by policy ${reason.id}`;
    case 'immutable-tag':
      return `kept by the immutable tag ${reason.tag}`;
    case 'pin':
      return `pulled by its digest lately, kept until ${timestamp(reason.until)}`;
    case 'index':
      return `kept by the index ${reason.digest}, which stays`;
    case 'subject':
      return `attached to ${reason.digest}, which stays`;
  }
}
