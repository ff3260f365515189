import {
  RenderMimeRegistry,
  standardRendererFactories
} from '@jupyterlab/rendermime';
import { render, waitFor } from '@testing-library/react';
import React from 'react';
import { expect, it } from 'vitest';

import type { IDocumentContext } from '../context';
import { DocumentContext } from '../context';
import { Markdown } from './markdown';

const rendermime = new RenderMimeRegistry({
  initialFactories: standardRendererFactories,
  markdownParser: { render: text => Promise.resolve(text) }
});
const context = { rendermime } as unknown as IDocumentContext;
const page = (text: string): JSX.Element => (
  <DocumentContext.Provider value={context}>
    <Markdown text={text} />
  </DocumentContext.Provider>
);

it('shows text without scripts and images, again when it changes, and goes', async () => {
  const hostile =
    '<p>good</p><img src="https://example.org/x.png"><script>window.hit = 1</script>';
  const { container, rerender, unmount } = render(page(hostile));
  await waitFor(() => expect(container.textContent).toContain('good'));
  expect(container.querySelector('img, script')).toBeNull();
  rerender(page('<p>better</p>'));
  await waitFor(() => expect(container.textContent).toContain('better'));
  expect(container.textContent).not.toContain('good');
  expect(() => unmount()).not.toThrow();
});
