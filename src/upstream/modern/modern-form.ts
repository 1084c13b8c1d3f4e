import { type MemberEdit, ObjectText } from '../../json/object.ts';
import { stringAt } from '../../json/scan.ts';
import type { Caller } from '../../protocol/caller.ts';
import { appsExtension, tasksExtension } from '../../protocol/extensions.ts';
import { encodeHeaderValue } from '../../protocol/header-values.ts';
import { methodHeader, namedMembers, nameHeader, versionHeader } from '../../protocol/headers.ts';
import { reservedMeta, reservedMetaKeys } from '../../protocol/reserved-meta.ts';
import { latestModernVersion } from '../../protocol/versions.ts';
import type { RequestForm, UpstreamCall } from '../pending-request.ts';
import { introduction } from '../requests/introduction.ts';
import type { SessionClient } from '../session.ts';
import type { RequestHeaders } from '../transport/transport.ts';
import { paramHeaders, type ToolHeaders, textOfMember } from './param-headers.ts';
import { withTasks } from './task-requests.ts';

/** What the gateway declares for its own requests: all that a client may have, because some servers list their items by that. */
const ownCapabilities = JSON.stringify({
  elicitation: { form: {}, url: {} },
  sampling: { context: {}, tools: {} },
  roots: {},
  extensions: { [tasksExtension]: {}, [appsExtension]: { mimeTypes: ['text/html;profile=mcp-app'] } },
});

const toolCall = '"tools/call"';
const noParams = new ObjectText('{}');
/** Keys of `_meta` that a request never takes over from another hop. */
const ownKeys = ['progressToken', ...reservedMetaKeys];

/** Requests that carry all of their metadata. MCP 2026-07-28, General Fields, `_meta`; Streamable HTTP, Request Metadata. */
export class ModernForm implements RequestForm {
  readonly isCancelledByClosing = true;
  /** Over HTTP: the annotated parameters of the tools. */
  readonly #toolHeaders: ToolHeaders | null;
  /** The identity of the gateway, or of the only client. */
  readonly #own: string;
  /** The identities of callers. */
  readonly #identities = new WeakMap<Caller, string>();
  version: string = latestModernVersion;
  /** Whether the server has tasks, which the session then waits for on behalf of legacy callers. */
  hasTasks = false;

  /** @param toolHeaders null: the transport has no headers */
  constructor(client: SessionClient | null, toolHeaders: ToolHeaders | null) {
    this.#toolHeaders = toolHeaders;
    this.#own = identityText(introduction(client?.clientInfo), client?.capabilities ?? ownCapabilities);
  }

  paramsText(
    { params = noParams, meta, caller }: UpstreamCall,
    target: MemberEdit | null,
    id: number,
    token: string | undefined,
  ): string {
    const progress = token === undefined || token === 'null' ? '' : `"progressToken":${id},`;
    const level = caller?.logLevel ? `,"${reservedMeta.logLevel}":"${caller.logLevel}"` : '';
    const own = `${progress}"${reservedMeta.protocolVersion}":"${this.version}",${this.#identity(caller)}${level}`;
    const others =
      meta === undefined
        ? ''
        : meta
            .without(...ownKeys)
            .slice(1, -1)
            .trim();
    const edit = { name: '_meta', value: others === '' ? `{${own}}` : `{${own},${others}}` };
    return target === null ? params.with(edit) : params.with(target, edit);
  }

  headers({ methodText, params }: UpstreamCall, target: MemberEdit | null): RequestHeaders | undefined {
    const tools = this.#toolHeaders;
    if (tools === null) return undefined;
    const called = methodText === toolCall ? target : null;
    const fixed = called === null ? undefined : tools.fixed(called);
    if (fixed !== undefined) return fixed;
    const method = stringAt(methodText, 0, methodText.length) as string;
    const headers: Record<string, string> = {
      [versionHeader]: this.version,
      [methodHeader]: encodeHeaderValue(method),
    };
    const member = namedMembers.get(method);
    const name = member === undefined ? undefined : textOfMember(params, member, target);
    if (name === undefined) return headers;
    headers[nameHeader] = encodeHeaderValue(name);
    const annotated = method === 'tools/call' ? tools.of(name) : undefined;
    if (annotated) return Object.assign(headers, paramHeaders(annotated, params?.object('arguments')));
    if (called !== null) tools.fix(called, headers);
    return headers;
  }

  #identity(caller: Caller | null): string {
    if (caller === null) return this.#own;
    let text = this.#identities.get(caller);
    if (text === undefined) {
      const { era, clientInfo, capabilities } = caller;
      const declared = era === 'legacy' && this.hasTasks ? withTasks(capabilities) : capabilities;
      text = identityText(introduction(clientInfo), declared);
      this.#identities.set(caller, text);
    }
    return text;
  }
}

function identityText(clientInfo: string, capabilities: string): string {
  return `"${reservedMeta.clientInfo}":${clientInfo},"${reservedMeta.clientCapabilities}":${capabilities}`;
}
