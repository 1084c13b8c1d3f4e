import { ObjectText } from '../json/object.ts';
import { elements } from '../json/scan.ts';
import { declaredObject } from '../protocol/capabilities.ts';
import type { CacheHints, Exchange } from '../protocol/exchange.ts';
import { skillsExtension } from '../protocol/extensions.ts';
import { toFailure } from '../upstream/failure.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { Dispatch, type DispatchParts } from './dispatch.ts';
import { listPages } from './list-pages.ts';
import type { Owners } from './owners.ts';
import { methodNotFound } from './request-params.ts';

/** The most skills in the list of all. */
const maxSkills = 10_000;

interface SkillRequestsParts extends DispatchParts {
  readonly owners: Owners;
}

/** The skills of one upstream. */
interface ListedSkills {
  /** The JSON texts of the skills by their URIs. */
  readonly skills: ReadonlyMap<string, string>;
  readonly cache: CacheHints;
}

/** Lists the skills of all upstreams that have some. SEP-2640, Skills. */
export class SkillRequests {
  readonly #parts: SkillRequestsParts;

  constructor(parts: SkillRequestsParts) {
    this.#parts = parts;
  }

  /** Throws `method_not_found` if no upstream of the view has skills. */
  list(exchange: Exchange): void {
    const upstreams = this.#parts.owners.upstreamsOf(exchange.caller.view).filter(hasSkills);
    const [first] = upstreams;
    if (first === undefined) throw methodNotFound(exchange.method);
    this.#mergedList(exchange, upstreams).catch((error: unknown) =>
      new Dispatch(this.#parts, exchange, { upstream: first, item: { name: exchange.method } }, null).reject(
        error,
      ),
    );
  }

  /** An upstream that fails is left out, unless all fail. Of equal URIs, the first in the configuration counts. */
  async #mergedList(exchange: Exchange, upstreams: readonly Upstream[]): Promise<void> {
    const outcomes = await Promise.allSettled(upstreams.map((upstream) => this.#listOf(upstream, exchange)));
    const { owners, logger } = this.#parts;
    const { view } = exchange.caller;
    const skills = new Map<string, string>();
    const hints: CacheHints[] = [];
    for (const [index, outcome] of outcomes.entries()) {
      const upstream = upstreams[index] as Upstream;
      if (outcome.status === 'rejected') {
        const cause = toFailure(outcome.reason).message;
        logger.debug('an upstream does not list its skills', { server: upstream.name, cause });
        continue;
      }
      hints.push(outcome.value.cache);
      for (const [uri, text] of outcome.value.skills) {
        if (skills.size >= maxSkills || skills.has(uri)) continue;
        owners.rememberSkill(uri, upstream);
        // The view may hide it.
        if (owners.ofUri(view, uri) === upstream) skills.set(uri, text);
      }
    }
    const [failed] = outcomes;
    if (hints.length === 0 && failed?.status === 'rejected') throw failed.reason;
    const payload = `{"skills":[${[...skills.values()].join(',')}]}`;
    exchange.answer({ kind: 'result', payload, cache: strictest(hints) });
  }

  async #listOf(upstream: Upstream, exchange: Exchange): Promise<ListedSkills> {
    const skills = new Map<string, string>();
    const hints: (CacheHints | null)[] = [];
    for await (const { result, cache = null } of listPages(upstream, exchange)) {
      hints.push(cache);
      for (const text of elements(result.member('skills') ?? '[]') ?? []) {
        const uri = ObjectText.of(text)?.string('uri');
        if (uri !== undefined && !skills.has(uri)) skills.set(uri, text);
      }
    }
    return { skills, cache: strictest(hints) };
  }
}

function hasSkills({ capabilities }: Upstream): boolean {
  return declaredObject(capabilities, 'extensions', skillsExtension) !== undefined;
}

/** The hints of a list that several servers contribute to. */
function strictest(hints: readonly (CacheHints | null)[]): CacheHints {
  const known = hints.map((hint) => hint ?? { ttlMs: 0, scope: 'private' as const });
  return {
    ttlMs: Math.min(...known.map(({ ttlMs }) => ttlMs)),
    scope: known.every(({ scope }) => scope === 'public') ? 'public' : 'private',
  };
}
