import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { messageOf } from '../../errors.ts';
import { YamlFile } from '../document.ts';
import { Source } from '../source.ts';
import { isRecord } from '../values.ts';
import { type Model, modelOf, modelOfValue } from './model.ts';

export type FilePair = Pair<Node, Node | null>;

/** A configuration file that is to be edited. */
export interface EditableFile {
  readonly text: string;
  readonly document: Document.Parsed;
  /** Null if the file has no content but comments. */
  readonly root: YAMLMap<Node, Node | null> | null;
  /** The key `servers` with its value. */
  readonly servers: FilePair | null;
  /** The value of `servers` if it is a list. */
  readonly list: YAMLSeq<Node> | null;
  /** What the gateway reads, with aliases resolved. */
  readonly value: unknown;
  readonly model: Model;
  /** `\n` or `\r\n`. */
  readonly lineEnd: string;
}

/** Reads a file, or says why it cannot be edited. @param text without a byte order mark */
export function editableFile(text: string): EditableFile | string {
  const document = parseDocument(text, { prettyErrors: false, stringKeys: true, keepSourceTokens: true });
  const source = new Source('', text);
  const line = (start: number) => `line ${source.lineNumber({ start, end: start })}`;
  const [fault] = [...document.errors, ...document.warnings];
  if (fault) return `${line(fault.pos[0])} is not valid YAML`;
  const lineEnd = /\r?\n/.exec(text)?.[0] ?? '\n';
  const contents = document.contents;
  const empty = { text, document, servers: null, list: null, lineEnd };
  if (contents === null || (isScalar(contents) && contents.value === null && contents.source === '')) {
    return { ...empty, root: null, value: {}, model: modelOfValue({}) };
  }
  if (!isMap<Node, Node | null>(contents)) return 'the file is not a mapping';
  try {
    const file = new YamlFile(text, contents);
    const [problem] = file.problems;
    if (problem) return `${line(problem.span.start)}: ${problem.message}`;
    const servers = contents.items.find(({ key }) => isScalar(key) && key.value === 'servers') ?? null;
    const list = servers !== null && isSeq<Node>(servers.value) ? servers.value : null;
    return { ...empty, root: contents, servers, list, value: file.value, model: modelOf(contents) };
  } catch (error) {
    return messageOf(error);
  }
}

/** The servers of the file, as the gateway reads them. */
export function serversOf({ value }: EditableFile): readonly unknown[] {
  const servers = isRecord(value) ? value.servers : undefined;
  return Array.isArray(servers) ? servers : [];
}

/** The index of the only server with this name, or null. */
export function indexOf(file: EditableFile, name: string): number | null {
  const names = serversOf(file).map((server) => (isRecord(server) ? server.name : undefined));
  const index = names.indexOf(name);
  return index < 0 || names.includes(name, index + 1) ? null : index;
}

/** The offset after the last character of a node's content, before comments and blank lines. */
export function contentEnd(node: Node): number {
  const [start, end] = node.range ?? [0, 0];
  if (!(isMap<Node, Node | null>(node) || isSeq<Node>(node)) || node.flow) return end;
  const last = node.items.at(-1) as FilePair | Node | undefined;
  if (last === undefined) return start;
  if (!('key' in last)) return contentEnd(last);
  const { key, value } = last;
  // A key without a value ends with its colon.
  return Math.max(contentEnd(key), value ? contentEnd(value) : 0);
}

/** The offset where the content of the document ends: at the line `...` or at the end of the file. */
export function documentEnd({ text, document, root }: EditableFile): number {
  const marker = /^\.\.\.(?=\s|$)/gm;
  marker.lastIndex = root === null ? (document.contents?.range?.[1] ?? 0) : contentEnd(root);
  return marker.exec(text)?.index ?? text.length;
}
