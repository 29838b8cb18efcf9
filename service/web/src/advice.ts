/** What somebody can do about a problem. */

const ADVICE: Readonly<Record<string, string>> = {
  "empty-file": "Choose the file again; what arrived holds nothing.",
  "too-large": "Cut the clip to the seconds around the expression, or compress it less generously.",
  "not-a-video": "Choose an MP4, MOV, WebM, MKV or AVI file, or a .zip of numbered frames.",
  "unsupported-codec": "Save the clip anew with H.264, HEVC, VP9 or AV1.",
  "no-video-stream": "The file may be sound alone. Choose the file that holds the picture.",
  "damaged-video":
    "Copy the file again from where it was recorded, or repair it, for instance by converting it.",
  "no-frames": "Choose a file that holds pictures.",
  "too-short": "Choose a longer clip: rest before and after an expression is what it is measured against.",
  "too-long": "Cut the clip to the part that matters.",
  "too-many-frames": "Cut the clip to the part that matters.",
  "too-many-pixels": "Make the picture smaller; a face of 200 pixels is enough.",
  "bad-archive": "Put one folder of frames into the .zip, numbered in order, all of one size.",
  "no-face":
    "Check that a face is seen from the front, lit evenly, and at least 60 pixels wide, from the first second on.",
  "deadline-exceeded": "Try again with a shorter clip, or when the service has less to do.",
  "invalid-request": "Change the option that is named.",
  "job-not-found": "It may belong to another key. Look at the list of your jobs.",
  "job-deleted": "It was erased and cannot be had again. Send the clip once more.",
  "job-canceled": "Send the clip again when you want it analysed.",
  expired: "Results are kept for a limited time. Send the clip once more.",
  unauthenticated: "Enter a valid API key.",
  forbidden: "Ask whoever gave you the key for one with the scope that is named.",
  "rate-limited": "Wait a little, then send it again.",
  "too-many-jobs": "Wait until one of your jobs has ended.",
  "queue-full": "Wait a little, then send it again.",
  "storage-full": "Tell whoever runs the service.",
  unreachable: "Check that the service is running and that you are connected, then try again.",
  unavailable: "Wait a little, then try again.",
  "not-ready": "The service is starting. Wait a little, then try again.",
  internal: "Try again. If it happens once more, tell whoever runs the service the request id.",
};

const RETRYABLE = "Try again in a little while.";
const OTHERWISE = "Try another clip, or tell whoever runs the service the request id.";

export function adviceFor(code: string, isRetryable: boolean): string {
  return ADVICE[code] ?? (isRetryable ? RETRYABLE : OTHERWISE);
}
