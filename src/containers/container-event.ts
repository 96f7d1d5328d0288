/** What `docker events` tells of containers, volumes and networks. */
export interface ContainerEvent {
  type: 'container' | 'volume' | 'network';
  action: string;
  id: string;
  attributes: Record<string, string>;
}
