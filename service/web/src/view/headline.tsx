/** The answer, the evidence, and whether the clip allowed for one. */

import { answerOf, isUndecided, whyUndecided } from "../answer";
import type { Viewing } from "./viewing";
import { plural, seconds } from "../words";

const VERDICTS = {
  good: "The frame rate shows even short onsets.",
  coarse: "Usual micro-expressions show; the shortest may pass between frames.",
  inadequate: "A micro-expression can pass between two frames: what is found is no measurement.",
} as const;

export function Headline({ view }: { view: Viewing }) {
  const { report } = view;
  const face = view.face.value;
  const event = view.event.value;
  const answer = answerOf(report, face, event);
  const { verdict, reason } = report.adequacy;
  return (
    <section class="headline" aria-label="Answer">
      <Choosers view={view} />
      <h2 class={answer.isUndecided ? "answer is-undecided" : "answer"}>{answer.title}</h2>
      <p class="explained">{answer.explained}</p>
      {isUndecided(report, face, event) && <p class="caution">{whyUndecided(report)}</p>}
      {event !== null && event.evidence !== undefined && event.evidence !== "" && (
        <p class="evidence">
          <span>Evidence</span> {event.evidence}
        </p>
      )}
      <p class="adequacy" data-verdict={verdict}>
        <strong>Frame rate {verdict}</strong> {reason}. {VERDICTS[verdict]}
      </p>
    </section>
  );
}

/** Which face and which event, where there are several. */
function Choosers({ view }: { view: Viewing }) {
  const { events } = view.face.value;
  if (view.faces.length < 2 && events.length < 2) return null;
  return (
    <div class="choosers">
      {view.faces.length > 1 && (
        <fieldset class="segments">
          <legend>Face</legend>
          {view.faces.map((face, index) => (
            <Segment
              key={face.track_id}
              group="face"
              isChosen={index === view.faceIndex.value}
              onChoose={() => view.chooseFace(index)}
            >
              {`${index + 1} (${plural(face.events.length, "event")})`}
            </Segment>
          ))}
        </fieldset>
      )}
      {events.length > 1 && (
        <fieldset class="segments">
          <legend>Event, strongest first</legend>
          {events.map((event, index) => (
            <Segment
              key={event.onset_frame}
              group="event"
              isChosen={index === view.eventIndex.value}
              onChoose={() => view.chooseEvent(index)}
            >
              {seconds(event.apex_s)}
            </Segment>
          ))}
        </fieldset>
      )}
    </div>
  );
}

function Segment(props: { group: string; isChosen: boolean; onChoose: () => void; children: string }) {
  return (
    <label class="segment">
      <input type="radio" name={props.group} checked={props.isChosen} onChange={props.onChoose} />
      <span>{props.children}</span>
    </label>
  );
}
