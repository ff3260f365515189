/** Moving and enlarging a graph: by wheel, drag, buttons and keys. */

import type React from 'react';
import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState
} from 'react';

import type { ILayout, IPoint } from './graph-layout';
import type { ISize, IView } from './graph-view';
import { first, fitted, revealing, within, zoomed } from './graph-view';

const THRESHOLD = 4;
/** How much one pixel of the wheel enlarges; a pinch on a touchpad sends many small steps. */
const WHEEL = 0.004;
const LINE = 16;

export interface IMoving {
  view: IView;
  /** Move so that a node is seen. */
  reveal: (id: string) => void;
  zoom: (factor: number) => true;
  /** See all of it. */
  fit: () => true;
  onPointerDown: (event: React.PointerEvent<HTMLDivElement>) => void;
  onClickCapture: (event: React.MouseEvent<HTMLDivElement>) => void;
}

type Change = (
  next: (view: IView, size: ISize) => IView,
  byHand?: boolean
) => boolean;

export function useView(
  frame: React.RefObject<HTMLDivElement | null>,
  layout: ILayout,
  begin: string | undefined
): IMoving {
  const [view, setView] = useState<IView>({ x: 0, y: 0, scale: 1 });
  const moved = useRef(false);
  const state = useRef({ view, layout });
  state.current = { view, layout };

  const change = useCallback<Change>(
    (next, byHand = true) => {
      const size = sizeOf(frame.current);
      const before = state.current.view;
      const after = within(next(before, size), state.current.layout, size);
      const same =
        after.x === before.x &&
        after.y === before.y &&
        after.scale === before.scale;
      if (!same) {
        moved.current ||= byHand;
        state.current.view = after;
        setView(after);
      }
      return !same;
    },
    [frame]
  );
  useStart(frame, layout, begin, moved, change);
  useWheel(frame, change);
  const drag = useDrag(state, change);
  const zoom = useCallback(
    (factor: number): true => {
      change((view, size) =>
        zoomed(view, factor, { x: size.width / 2, y: size.height / 2 })
      );
      return true;
    },
    [change]
  );
  const fit = useCallback((): true => {
    change((_, size) => fitted(state.current.layout, size));
    return true;
  }, [change]);
  const reveal = useCallback(
    (id: string) => {
      const box = state.current.layout.boxes.get(id);
      if (box) {
        change((view, size) => revealing(view, box, size));
      }
    },
    [change]
  );
  return { view, reveal, zoom, fit, ...drag };
}

/** Begin with all of the graph, again for each size, until somebody moves it. */
function useStart(
  frame: React.RefObject<HTMLDivElement | null>,
  layout: ILayout,
  begin: string | undefined,
  moved: React.RefObject<boolean>,
  change: Change
): void {
  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) {
      return;
    }
    const settle = (): void => {
      if (!moved.current && element.clientWidth) {
        const centre = layout.boxes.get(begin ?? '');
        change((_, size) => first(layout, size, centre), false);
      }
    };
    settle();
    const observer = new ResizeObserver(settle);
    observer.observe(element);
    return () => observer.disconnect();
  }, [frame, layout, begin, moved, change]);
}

/** The wheel moves; with the control key, or by a pinch on a touchpad, it enlarges. */
function useWheel(
  frame: React.RefObject<HTMLDivElement | null>,
  change: Change
): void {
  useEffect(() => {
    const element = frame.current;
    if (!element) {
      return;
    }
    const onWheel = (event: WheelEvent): void => {
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1;
      const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
      const enlarges = event.ctrlKey || event.metaKey;
      const sideways = event.shiftKey && !dx;
      const changed = change(view =>
        enlarges
          ? zoomed(view, Math.exp(-dy * WHEEL), place(event, element))
          : {
              ...view,
              x: view.x - (sideways ? dy : dx),
              y: view.y - (sideways ? 0 : dy)
            }
      );
      if (changed || enlarges) {
        event.preventDefault(); // else the page scrolls, or is enlarged as a whole
        event.stopPropagation();
      }
    };
    // React's own wheel listeners are passive: they could not prevent anything
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [frame, change]);
}

/** Dragging moves; a click that ends a drag chooses nothing. */
function useDrag(
  state: React.RefObject<{ view: IView }>,
  change: Change
): Pick<IMoving, 'onPointerDown' | 'onClickCapture'> {
  const dragged = useRef(false);
  const onPointerDown = useCallback(
    (event: React.PointerEvent<HTMLDivElement>) => {
      dragged.current = false;
      if (event.button !== 0 || !state.current) {
        return;
      }
      const element = event.currentTarget;
      const { clientX, clientY, pointerId } = event;
      const begun = state.current.view;
      const onMove = (move: PointerEvent): void => {
        const dx = move.clientX - clientX;
        const dy = move.clientY - clientY;
        if (!dragged.current && Math.hypot(dx, dy) >= THRESHOLD) {
          dragged.current = true;
          element.setPointerCapture(pointerId);
        }
        if (dragged.current) {
          change(view => ({ ...view, x: begun.x + dx, y: begun.y + dy }));
        }
      };
      const onEnd = (): void => {
        element.removeEventListener('pointermove', onMove);
        element.removeEventListener('pointerup', onEnd);
        element.removeEventListener('pointercancel', onEnd);
      };
      element.addEventListener('pointermove', onMove);
      element.addEventListener('pointerup', onEnd);
      element.addEventListener('pointercancel', onEnd);
    },
    [state, change]
  );
  const onClickCapture = useCallback(
    (event: React.MouseEvent<HTMLDivElement>) => {
      if (dragged.current) {
        dragged.current = false;
        event.stopPropagation();
        event.preventDefault();
      }
    },
    []
  );
  return { onPointerDown, onClickCapture };
}

function sizeOf(element: HTMLElement | null): ISize {
  return {
    width: element?.clientWidth ?? 0,
    height: element?.clientHeight ?? 0
  };
}

/** Where in the frame a pointer is. */
function place(event: MouseEvent, element: HTMLElement): IPoint {
  const box = element.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}
