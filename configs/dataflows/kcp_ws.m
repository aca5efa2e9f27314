// Weight stationary: K across clusters of 64 units, C across the units of a cluster (KC-P)
// for: CONV NGCONV DSCONV TRCONV
//
// A step of Y' is one position of the filter: in a convolution 1 row of Y', in a transposed one the Sz(R) rows of Y'
// that 1 row of Y reaches. Y' is longer than Y only in a transposed convolution: (Sz(Y')-1)/Sz(Y), rounded down, is 0
// in the one and at least 1 in the other. X' likewise. With a stride, the offset is read as what makes windows meet.
Dataflow kcp_ws {
	SpatialMap(1,1) K;
	TemporalMap(64,64) C;
	TemporalMap(Sz(R),Sz(R)) R;
	TemporalMap(Sz(S),Sz(S)) S;
	TemporalMap(1+(Sz(Y')-1)/Sz(Y)*(Sz(R)-1),1) Y';
	TemporalMap(1+(Sz(X')-1)/Sz(X)*(Sz(S)-1),1) X';
	Cluster(64, P);
	SpatialMap(1,1) C;
}
