// Matrix product: M across clusters of 16 units, K across the units of a cluster, 16 columns of N at a time
// for: GEMM
Dataflow gemm_nmk {
	TemporalMap(16,16) N;
	SpatialMap(1,1) M;
	TemporalMap(16,16) K;
	Cluster(16, P);
	SpatialMap(1,1) K;
}
