import {
  MimeModel,
  RenderMimeRegistry,
  standardRendererFactories
} from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { JSONObject, JSONValue } from '@lumino/coreutils';
import { Panel, Widget } from '@lumino/widgets';
import { afterEach, expect, it, vi } from 'vitest';

import { run } from '../testing/samples';
import { TYPES } from './cards';
import { MIME_TYPE, read } from './formats';
import { LiveRenderer, WIDGET_TYPE } from './live';
import { StoredRenderer } from './renderer';

const HTML = { 'text/html': '<p>beside it</p>', 'text/plain': 'text' };
const RECORD = run() as unknown as JSONObject;
const STORED = { format: 2, type: 'RunRecord', record: RECORD, cut: {} };

/** Answers as Jupyter's widget manager does: a widget that it knows becomes a child. */
class Manager extends Panel implements IRenderMime.IRenderer {
  renderModel(): Promise<void> {
    this.node.textContent = 'Error displaying widget: model not found';
    return Promise.resolve();
  }
}

const shown: Widget[] = [];
afterEach(() => {
  for (const widget of shown.splice(0)) {
    widget.dispose();
  }
});

async function render(
  body: unknown,
  open: ((kind: string, id: string) => void) | null = null
): Promise<HTMLElement> {
  const rendermime = new RenderMimeRegistry({
    initialFactories: standardRendererFactories
  });
  const renderer = new StoredRenderer(rendermime, open);
  shown.push(renderer);
  Widget.attach(renderer, document.body);
  const data = { ...HTML, [MIME_TYPE]: body as JSONValue };
  await renderer.renderModel(new MimeModel({ data }));
  return renderer.node;
}

it('reads each format that there was', () => {
  const record = { name: 'a' };
  expect(read({ type: 'T', record })).toEqual({ type: 'T', record, cut: {} });
  expect(read({ format: 2, type: 'T', record, cut: { a: 9 } })).toEqual({
    type: 'T',
    record,
    cut: { a: 9 }
  });
});

it.each([
  [null],
  ['text'],
  [[]],
  [{ format: 3, type: 'RunRecord', record: {} }],
  [{ format: 'toString', type: 'RunRecord', record: {} }],
  [{ format: 2, type: 'RunRecord', record: null }]
])('reads nothing from %j', body => {
  expect(read(body)).toBeNull();
});

it('draws a run', async () => {
  const node = await render(STORED);
  await vi.waitFor(() => expect(node.querySelector('article')).toBeTruthy());
  expect(node.textContent).toContain(run().name);
  expect(node.textContent).not.toContain('beside it');
});

it.each([
  ['a newer format', { ...STORED, format: 99 }],
  ['a type without a card', { ...STORED, type: 'Column' }],
  ['a name of something else', { ...STORED, type: 'constructor' }],
  ...TYPES.map(
    type =>
      [`a damaged ${type}`, { ...STORED, type, record: {} }] as [string, object]
  )
])('falls back to the HTML for %s', async (_, body) => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const node = await render(body);
  await vi.waitFor(() => expect(node.textContent).toContain('beside it'));
});

it('says how many it leaves out, and opens the document', async () => {
  const open = vi.fn();
  const node = await render({ ...STORED, cut: { metrics: 1_002 } }, open);
  await vi.waitFor(() => expect(node.querySelector('article')).toBeTruthy());
  const more = 1_002 - Object.keys(run().metrics).length;
  expect(node.textContent).toContain(`… and ${more.toLocaleString('en')} more`);
  node.querySelector('button')?.click();
  expect(open).toHaveBeenCalledWith('run', run().id);
});

it('shows markup as text', async () => {
  const name = '<img src=x onerror="window.pwned = 1">';
  const record = run({ name, params: { [name]: name }, error: name });
  const node = await render({ ...STORED, record });
  await vi.waitFor(() => expect(node.textContent).toContain(name));
  expect(node.querySelector('img')).toBeNull();
});

it('shows a widget while there is one, and what is stored otherwise', async () => {
  const rendermime = new RenderMimeRegistry({
    initialFactories: standardRendererFactories
  });
  const manager = new Manager();
  shown.push(manager);
  rendermime.addFactory(
    { safe: false, mimeTypes: [WIDGET_TYPE], createRenderer: () => manager },
    -10
  );
  const stored = new StoredRenderer(rendermime, null);
  const renderer = new LiveRenderer(rendermime, stored);
  shown.push(renderer);
  Widget.attach(renderer, document.body);
  const data = {
    ...HTML,
    [MIME_TYPE]: STORED,
    [WIDGET_TYPE]: { model_id: 'a' }
  };
  await renderer.renderModel(new MimeModel({ data, trusted: true }));
  const hidden = (): boolean[] => [stored.isHidden, manager.isHidden];
  expect(hidden()).toEqual([false, true]);
  const view = new Widget();
  shown.push(view);
  manager.addWidget(view);
  await vi.waitFor(() => expect(hidden()).toEqual([true, false]));
  view.dispose();
  await vi.waitFor(() => expect(hidden()).toEqual([false, true]));
});
