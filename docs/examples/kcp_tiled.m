// Kernels across clusters, channels across the 64 PEs of a cluster, with tiles of several kernels and outputs
Constant tile_k 1;
Constant tile_y 1;
Constant tile_x 1;
Dataflow kcp_tiled {
	SpatialMap(tile_k,tile_k) K;
	TemporalMap(64,64) C;
	TemporalMap(Sz(R),Sz(R)) R;
	TemporalMap(Sz(S),Sz(S)) S;
	TemporalMap(tile_y,tile_y) Y';
	TemporalMap(tile_x,tile_x) X';
	Cluster(64, P);
	SpatialMap(1,1) C;
}
