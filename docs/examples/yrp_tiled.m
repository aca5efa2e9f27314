// Output rows across clusters, filter rows across the PEs of a cluster, with tiles of several kernels and channels
Constant tile_k 2;
Constant tile_c 2;
Constant tile_x 1;
Dataflow yrp_tiled {
	TemporalMap(tile_k,tile_k) K;
	TemporalMap(tile_c,tile_c) C;
	TemporalMap(Sz(R),Sz(R)) R;
	SpatialMap(1,1) Y';
	TemporalMap(tile_x,tile_x) X';
	Cluster(Sz(R), P);
	SpatialMap(1,1) R;
	TemporalMap(Sz(S),Sz(S)) S;
}
