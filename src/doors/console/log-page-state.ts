/** What the page shows besides the log; the same JSON is in the page and in its `status` events. */
export interface LogPageState {
  status: string;
  final: boolean;
  detail: string;
  steps: { label: string; name: string; status: string; seconds: number | null }[];
  images: { name: string; digest: string }[];
}
