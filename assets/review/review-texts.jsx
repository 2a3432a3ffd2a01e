// The texts of the picture in Review, the doubts about them, and what else is known.

import { TriangleAlert } from "lucide-react";
import { Editor } from "$/public/review/review-editor.jsx";
import { ReturnForm } from "$/public/review/return-form.jsx";
import { textOf } from "$/public/review/review-line.js";

const STATES = { draft: "Draft", approved: "Approved", returned: "Returned" };

const writers = {
  person: () => "written by a person",
  model: (text) => `by ${text.model_version ?? "the model"}`,
  file: () => "from the file",
};

function byline(text, field) {
  const by = writers[text.written_by?.[field]]?.(text) ?? "";
  const from = text.made_from && field === "alt_text" ? `, from ${text.made_from}` : "";
  return by + from;
}

function State({ state }) {
  return <span className={`review-state ${state}`}>{STATES[state]}</span>;
}

function Said({ text, lang, children, className = "" }) {
  return (
    <p className={text ? `said lines ${className}` : "quiet"} lang={text ? lang : undefined} dir="auto">
      {text || children}
    </p>
  );
}

function Doubts({ doubts, rules }) {
  if (!doubts?.length) return null;
  return (
    <section className="doubts" aria-label="Doubts">
      <ul>
        {doubts.map(({ rule, excerpt }) => (
          <li key={`${rule} ${excerpt}`}>
            <TriangleAlert size={15} aria-hidden />
            <span>
              {rules[rule] ?? rule.replaceAll("_", " ")} {excerpt && <q dir="auto">{excerpt}</q>}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Words({ text, language, rules }) {
  return (
    <>
      <section>
        <div className="viewer-text-head">
          <h3>Alt text</h3>
          <span className="byline">{text && byline(text, "alt_text")}</span>
        </div>
        <Said text={text?.alt_text} lang={language} className="review-alt">
          {text?.decorative ? "Decorative: it is left out when the page is read." : "Nothing yet."}
        </Said>
      </section>
      <Doubts doubts={text?.doubts} rules={rules} />
      {text?.description && (
        <section>
          <div className="viewer-text-head">
            <h3>Description</h3>
            <span className="byline">{byline(text, "description")}</span>
          </div>
          <Said text={text.description} lang={language} />
        </section>
      )}
      {text?.tags?.length > 0 && (
        <section>
          <h3>Tags</h3>
          <ul className="tags all" lang={language}>
            {text.tags.map((tag) => (
              <li key={tag} className="tag" dir="auto">
                {tag}
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function Hidden({ onShow }) {
  return (
    <section className="review-hidden">
      <h3>The picture first</h3>
      <p>Look at it: what would you say? Write it with Edit, or see what the model says.</p>
      <button type="button" className="button" aria-keyshortcuts="t" onClick={onShow}>
        Show the model’s text <kbd aria-hidden>T</kbd>
      </button>
    </section>
  );
}

function Approved({ text, language }) {
  const { approved } = text;
  if (!approved || text.state === "approved" || approved.alt_text === text.alt_text) return null;
  return (
    <section>
      <h3>Approved before, and used until this is</h3>
      <Said text={approved.alt_text} lang={language}>
        Decorative.
      </Said>
    </section>
  );
}

function Others({ item, names }) {
  const others = Object.values(item.image.texts).filter((one) => one.language !== item.language);
  if (!others.length) return null;
  return (
    <section>
      <h3>In other languages</h3>
      <dl className="review-others">
        {others.map((one) => (
          <div key={one.language}>
            <dt>
              {names[one.language] ?? one.language} <State state={one.state} />
            </dt>
            <dd lang={one.language} dir="auto">
              {one.alt_text || (one.decorative ? "—" : "")}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Facts({ image }) {
  const taken = image.facts?.taken_at;
  const facts = [
    ["What it is for", image.context],
    ["Dimensions", `${image.width} × ${image.height}`],
    ["Taken", taken && String(taken).slice(0, 10)],
    ["Camera", image.facts?.camera_model],
  ].filter(([, value]) => value);
  return (
    <section>
      <h3>Details</h3>
      <dl className="facts">
        {facts.map(([label, value]) => (
          <div key={label} className="fact">
            <dt>{label}</dt>
            <dd dir="auto">{value}</dd>
          </div>
        ))}
      </dl>
      <p className="review-open">
        <a href={`/?picture=${image.id}`}>Open it in the gallery</a>
      </p>
    </section>
  );
}

// A decision did not hold, or somebody else changed the text: what they say is below.
function Came({ item, language }) {
  const text = textOf(item);
  if (!item.problem && !item.meanwhile) return null;
  return (
    <div className="meanwhile" role="alert">
      <p>
        <strong>{item.problem || "Meanwhile somebody else changed the text."}</strong>{" "}
        {item.draft && "What you typed is here still."}
      </p>
      {item.meanwhile && (
        <p>
          It says now:{" "}
          <q lang={language} dir="auto">
            {text?.alt_text || (text?.decorative ? "decorative" : "nothing")}
          </q>
        </p>
      )}
    </div>
  );
}

export function Texts({ line, item, rules, names }) {
  const text = textOf(item);
  const { language, image } = item;
  const hidden = item.blind && !item.revealed && !item.done;
  const words = line.mode === "edit" ? (
    <>
      <Editor line={line} item={item} hidden={hidden} />
      {!hidden && <Doubts doubts={text?.doubts} rules={rules} />}
    </>
  ) : hidden ? (
    <Hidden onShow={() => line.reveal()} />
  ) : (
    <Words text={text} language={language} rules={rules} />
  );
  return (
    <div className="review-texts" role="region" aria-label="Texts" tabIndex={0}>
      <div className="review-head">
        <h2>{image.filename}</h2>
        {text && <State state={text.state} />}
        {item.second && <span className="review-state second">Second look</span>}
      </div>
      {item.second && !item.done && (
        <p className="quiet review-note">Somebody else approved it. Would you?</p>
      )}
      {text?.state === "returned" && text.note && (
        <p className="review-note">
          <strong>Returned:</strong> <span dir="auto">{text.note}</span>
        </p>
      )}
      <Came item={item} language={language} />
      {line.mode === "return" && <ReturnForm line={line} item={item} />}
      {words}
      {!hidden && text && <Approved text={text} language={language} />}
      <section>
        <h3>Visible text</h3>
        <Said text={image.visible_text}>None.</Said>
      </section>
      {!hidden && <Others item={item} names={names} />}
      <Facts image={image} />
    </div>
  );
}
