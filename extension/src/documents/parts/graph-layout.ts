/** Where the nodes and edges of a layered graph lie; the layout itself is dagre's. */

import * as dagre from '@dagrejs/dagre';

export type Direction = 'right' | 'down';

export interface IPoint {
  x: number;
  y: number;
}

/** A node's place: its upper left corner and its size. */
export interface IBox extends IPoint {
  width: number;
  height: number;
}

export interface ILayout {
  width: number;
  height: number;
  boxes: Map<string, IBox>;
  /** One path of SVG for each edge, in the order given. */
  paths: string[];
}

export const NODE_WIDTH = 208;
export const NODE_HEIGHT = 48;
const MARGIN = 16;
const BETWEEN_LAYERS = 56;
const BETWEEN_NODES = 16;
const MANY = 400;

/**
 * Lay a graph out in layers.
 *
 * @param ids - The nodes.
 * @param edges - Pairs of nodes; an edge of a node that is not there is drawn nowhere.
 */
export function layOut(
  ids: string[],
  edges: readonly (readonly [string, string])[],
  direction: Direction
): ILayout {
  // dagre keeps nodes in plain objects: a node named `__proto__` must not be a key of one
  const names = new Map(ids.map((id, index) => [id, `n${index}`]));
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({
    rankdir: direction === 'right' ? 'LR' : 'TB',
    nodesep: BETWEEN_NODES,
    ranksep: BETWEEN_LAYERS,
    edgesep: BETWEEN_NODES / 2,
    marginx: MARGIN,
    marginy: MARGIN,
    ranker: ids.length > MANY ? 'longest-path' : 'network-simplex'
  });
  for (const name of names.values()) {
    graph.setNode(name, { width: NODE_WIDTH, height: NODE_HEIGHT });
  }
  edges.forEach(([from, to], index) => {
    const [v, w] = [names.get(from), names.get(to)];
    if (v && w && v !== w) {
      graph.setEdge(v, w, {}, String(index));
    }
  });
  if (ids.length) {
    dagre.layout(graph);
  }
  const boxes = new Map<string, IBox>();
  for (const [id, name] of names) {
    const { x, y } = graph.node(name);
    boxes.set(id, {
      x: x - NODE_WIDTH / 2,
      y: y - NODE_HEIGHT / 2,
      width: NODE_WIDTH,
      height: NODE_HEIGHT
    });
  }
  const paths = edges.map(([from, to], index) => {
    const [v, w] = [names.get(from), names.get(to)];
    if (!v || !w || v === w) {
      return '';
    }
    const between = graph.edge(v, w, String(index)).points.slice(1, -1);
    return curve(
      [
        exit(boxes.get(from)!, direction),
        ...between,
        entry(boxes.get(to)!, direction)
      ],
      direction
    );
  });
  const { width = 0, height = 0 } = graph.graph();
  return {
    width: ids.length ? width : 0,
    height: ids.length ? height : 0,
    boxes,
    paths
  };
}

function exit(box: IBox, direction: Direction): IPoint {
  return direction === 'right'
    ? { x: box.x + box.width, y: box.y + box.height / 2 }
    : { x: box.x + box.width / 2, y: box.y + box.height };
}

function entry(box: IBox, direction: Direction): IPoint {
  return direction === 'right'
    ? { x: box.x, y: box.y + box.height / 2 }
    : { x: box.x + box.width / 2, y: box.y };
}

/** Join points by curves that leave and arrive along the graph's direction. */
function curve(points: IPoint[], direction: Direction): string {
  const [first, ...others] = points as [IPoint, ...IPoint[]];
  let path = `M${first.x},${first.y}`;
  let last = first;
  for (const next of others) {
    if (direction === 'right') {
      const middle = (last.x + next.x) / 2;
      path += `C${middle},${last.y} ${middle},${next.y} ${next.x},${next.y}`;
    } else {
      const middle = (last.y + next.y) / 2;
      path += `C${last.x},${middle} ${next.x},${middle} ${next.x},${next.y}`;
    }
    last = next;
  }
  return path;
}
