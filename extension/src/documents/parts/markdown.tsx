/** Markdown that others wrote, rendered and made harmless as JupyterLab does for any notebook. */

import type { ISanitizer } from '@jupyterlab/apputils';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { Widget } from '@lumino/widgets';
import React, { useLayoutEffect, useRef } from 'react';

import { useDocument } from '../context';

const MIME = 'text/markdown';

export function Markdown({ text }: { text: string }): JSX.Element {
  const { rendermime } = useDocument();
  const box = useRef<HTMLDivElement>(null);
  // before the page changes: a widget that is no longer in it cannot be disposed of
  useLayoutEffect(() => {
    const node = box.current;
    if (!rendermime || !node) {
      return;
    }
    const registry = withoutImages(rendermime);
    const renderer = registry.createRenderer(MIME);
    Widget.attach(renderer, node);
    const model = registry.createModel({ data: { [MIME]: text } });
    void renderer.renderModel(model);
    return () => {
      if (!renderer.node.isConnected) {
        renderer.clearFlag(Widget.Flag.IsAttached);
      }
      renderer.dispose();
    };
  }, [rendermime, text]);
  return (
    <div ref={box} className="mlnb-Markdown">
      {!rendermime && <pre>{text}</pre>}
    </div>
  );
}

/** An image of somebody's text would tell another host who reads it. */
function withoutImages(registry: IRenderMimeRegistry): IRenderMimeRegistry {
  const own = registry.sanitizer;
  const sanitizer: ISanitizer = {
    sanitize: (dirty, options) => {
      const clean = own.sanitize(dirty, options);
      const page = new DOMParser().parseFromString(clean, 'text/html');
      page
        .querySelectorAll('img, video, audio, source')
        .forEach(found => found.remove());
      return page.body.innerHTML;
    }
  };
  return registry.clone({ sanitizer });
}
