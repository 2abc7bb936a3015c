// Pointers on the stage: one draws, taps or moves an enlarged picture; two enlarge and move.

const TAP = 4; // CSS pixels; a pen that moves no further has tapped
const STROKE = 24; // CSS pixels; after so much of a stroke, a second finger is the ball of the hand

// `pen()` gives the width of the pen in CSS pixels; `target(event)` what a tap would point at;
// `tapped(found)` opens it.
export function listen({ sheet, stage, pen, target, tapped }) {
  const { canvas, view } = stage;
  const down = new Map(); // pointers: id -> event
  let gesture = null; // {kind: "draw" | "hold" | "move" | "pinch" | "over", ...}
  let found = null; // what was tapped; it opens on the click, which else would press a key of the keypad

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    // The ball of the hand that holds the pen.
    if (gesture?.kind === "draw" && gesture.stylus && event.pointerType === "touch") return;
    down.set(event.pointerId, event);
    try {
      canvas.setPointerCapture(event.pointerId);
    } catch {
      /* it is up again already */
    }
    found = null;
    if (down.size === 2) return pinch();
    if (down.size > 2) return;
    if (!sheet.picture) event.preventDefault();
    const at = stage.under(event);
    gesture = {
      kind: sheet.picture ? "hold" : "draw",
      id: event.pointerId,
      stylus: event.pointerType === "pen",
      from: event,
      last: event,
      far: 0,
      // What a tap points at, whatever is read until the pen is up.
      target: target(event),
      stroke: { width: pen() / stage.placement.scale, points: [at] },
    };
  });

  canvas.addEventListener("pointermove", (event) => {
    if (!down.has(event.pointerId)) return;
    down.set(event.pointerId, event);
    if (gesture?.kind === "pinch") return pinched();
    if (event.pointerId !== gesture?.id) return;
    const { from, last } = gesture;
    gesture.far = Math.max(
      gesture.far,
      Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY),
    );
    gesture.last = event;
    if (gesture.kind === "draw") return draw(event);
    if (gesture.kind === "hold" && gesture.far > TAP && view.zoom > 1) gesture.kind = "move";
    if (gesture.kind === "move") {
      view.move(stage.plane, event.clientX - last.clientX, event.clientY - last.clientY);
      stage.viewed();
    }
  });

  function draw(event) {
    const events = event.getCoalescedEvents?.() ?? [];
    const points = (events.length ? events : [event]).map((one) => within(stage.under(one)));
    if (sheet.drawing) return sheet.extend(points);
    gesture.stroke.points.push(...points);
    if (gesture.far > TAP) sheet.begin(gesture.stroke, stage.frameOf(gesture.stroke.points));
  }

  // A captured pen that leaves the stage draws along its edge.
  function within([x, y]) {
    const { x: left, y: top, width, height } = stage.plane;
    return [Math.min(left + width, Math.max(left, x)), Math.min(top + height, Math.max(top, y))];
  }

  const up = (cancelled) => (event) => {
    if (!down.delete(event.pointerId)) return;
    if (gesture?.kind === "pinch")
      gesture.kind = "over"; // the other finger draws nothing
    else if (event.pointerId === gesture?.id) {
      const { kind, far, stroke } = gesture;
      if (kind === "draw" && sheet.drawing) sheet.end(stage.frameOf(stroke.points));
      else if (!cancelled && far <= TAP) {
        found = gesture.target;
        if (!found && kind === "draw")
          sheet.write(
            [...sheet.strokes, { ...stroke, points: [stroke.points[0]] }],
            stage.frameOf([stroke.points[0]]),
          );
      }
      gesture = null;
    }
    if (!down.size) gesture = null;
  };
  canvas.addEventListener("pointerup", up(false));
  canvas.addEventListener("pointercancel", up(true));
  canvas.addEventListener("click", () => {
    if (found) tapped(found);
    found = null;
  });

  const middle = ([a, b]) => ({ clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 });
  const apart = ([a, b]) => Math.max(1, Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY));

  function pinch() {
    const fingers = [...down.values()];
    if (fingers.some((event) => event.pointerType !== "touch")) return;
    if (gesture?.kind === "draw" && gesture.far > STROKE) return;
    sheet.drop();
    gesture = { kind: "pinch", held: stage.under(middle(fingers)), apart: apart(fingers), zoom: view.zoom };
  }

  function pinched() {
    const fingers = [...down.values()].slice(0, 2);
    view.bring(stage.plane, gesture.held, middle(fingers), (gesture.zoom * apart(fingers)) / gesture.apart);
    stage.viewed();
  }

  // Over a picture one finger scrolls the page; two must not.
  canvas.addEventListener(
    "touchstart",
    (event) => {
      if (event.touches.length > 1) event.preventDefault();
    },
    { passive: false },
  );

  // A touchpad's pinch arrives as a wheel with Ctrl.
  canvas.addEventListener(
    "wheel",
    (event) => {
      if (event.ctrlKey)
        view.bring(stage.plane, stage.under(event), event, view.zoom * Math.exp(-event.deltaY / 200));
      else if (view.zoom > 1) view.move(stage.plane, -event.deltaX, -event.deltaY);
      else return;
      event.preventDefault();
      stage.viewed();
    },
    { passive: false },
  );

  // Whatever the pointers began is over where the sheet has become another one.
  sheet.addEventListener("change", ({ detail }) => {
    if (detail !== "content") return;
    if (gesture?.kind === "draw" || gesture?.kind === "hold") gesture.kind = "over";
    found = null;
  });
}
